internal import MesosSandbox
public import PluginABI
internal import PluginKit

/// The library's one symbol.
@c public func loghost_plugin_v1() -> UnsafePointer<loghost_plugin>? {
    unsafe export(SandboxPlugin.self)
}
