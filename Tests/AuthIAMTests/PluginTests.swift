import AuthIAM
import Testing

struct PluginTests {
    @Test func `its name is its library's`() {
        #expect(IAMPlugin.name == "auth-iam")
    }
}
