import AuthToken
import Testing

struct PluginTests {
    @Test func `its name is its library's`() {
        #expect(TokenPlugin.name == "auth-token")
    }
}
