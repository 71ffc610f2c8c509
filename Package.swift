// swift-tools-version: 6.2
import PackageDescription

// CI turns warnings into errors; a newer compiler's new warnings must not break a user's build.
let strict: [SwiftSetting] = Context.environment["CI"] != nil ? [.treatAllWarnings(as: .error)] : []

let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .enableExperimentalFeature("Lifetimes"),
        .strictMemorySafety(),
    ] + strict

/// A plugin library: its entry alone in a dynamic product that exports one symbol.
func plugin(_ name: String) -> Target {
    .target(
        name: "\(name)Plugin",
        dependencies: [.target(name: name), "PluginKit", "PluginABI"],
        path: "Plugins/\(name)Plugin",
        swiftSettings: settings,
        linkerSettings: [
            .unsafeFlags([
                "-Xlinker", "--version-script=\(Context.packageDirectory)/Plugins/exports.map",
                "-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "now",
            ])
        ]
    )
}

let package = Package(
    name: "loghost",
    products: [
        .executable(name: "loghost", targets: ["LogHost"]),
        .library(name: "loghost-journald", type: .dynamic, targets: ["JournaldPlugin"]),
        .library(name: "loghost-encoders", type: .dynamic, targets: ["EncodersPlugin"]),
        .library(name: "loghost-auth-iam", type: .dynamic, targets: ["AuthIAMPlugin"]),
        .library(name: "loghost-auth-token", type: .dynamic, targets: ["AuthTokenPlugin"]),
        .library(name: "loghost-mesos-sandbox", type: .dynamic, targets: ["MesosSandboxPlugin"]),
        .library(name: "PluginKit", targets: ["PluginKit"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        .systemLibrary(name: "PluginABI", path: "Sources/PluginABI"),
        .target(name: "PluginKit", dependencies: ["PluginABI"], swiftSettings: settings),
        .executableTarget(
            name: "LogHost",
            dependencies: [
                "PluginABI",
                "CLinux",
                "CZlib",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOExtras", package: "swift-nio-extras"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings
        ),
        .systemLibrary(name: "CLinux", path: "Sources/CLinux"),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .systemLibrary(
            name: "CSystemd", path: "Plugins/CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .target(name: "Journald", dependencies: ["PluginKit", "CSystemd"], path: "Plugins/Journald", swiftSettings: settings),
        plugin("Journald"),
        .target(name: "Encoders", dependencies: ["PluginKit"], path: "Plugins/Encoders", swiftSettings: settings),
        plugin("Encoders"),
        .target(
            name: "AuthIAM", dependencies: ["PluginKit", .product(name: "JWTKit", package: "jwt-kit")],
            path: "Plugins/AuthIAM", swiftSettings: settings),
        plugin("AuthIAM"),
        .systemLibrary(name: "CCrypt", path: "Plugins/CCrypt", providers: [.apt(["libcrypt-dev"])]),
        .target(
            name: "AuthToken",
            dependencies: [
                "CCrypt", "PluginKit", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Yams", package: "Yams"),
            ],
            path: "Plugins/AuthToken", swiftSettings: settings),
        plugin("AuthToken"),
        .target(
            name: "MesosSandbox", dependencies: ["PluginKit"], path: "Plugins/MesosSandbox", swiftSettings: settings),
        plugin("MesosSandbox"),

        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
        .testTarget(
            name: "LogHostTests",
            dependencies: [
                "CZlib", "LogHost", "PluginABI", "PluginKit", "TestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: settings),
        .testTarget(name: "PluginKitTests", dependencies: ["PluginKit", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "EncodersTests", dependencies: ["Encoders", "PluginKit", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "JournaldTests", dependencies: ["Journald", "PluginKit", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "AuthIAMTests",
            dependencies: [
                "AuthIAM", "PluginKit", "TestSupport", .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "AuthTokenTests", dependencies: ["AuthToken", "PluginKit", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "MesosSandboxTests", dependencies: ["MesosSandbox", "PluginKit", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "TestSupport",
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            resources: [.copy("Golden")], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
