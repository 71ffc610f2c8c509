// swift-tools-version: 6.2
import PackageDescription

// PluginKit as it is installed: what a plugin in Swift is built with, by the compiler that has built the host.
let package = Package(
    name: "PluginKit",
    products: [.library(name: "PluginKit", targets: ["PluginKit"])],
    targets: [
        .systemLibrary(name: "PluginABI", path: "Sources/PluginABI"),
        .target(
            name: "PluginKit", dependencies: ["PluginABI"],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                .enableExperimentalFeature("Lifetimes"),
                .strictMemorySafety(),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
