import FoundationEssentials
import Glibc
import LogHost
import Testing

/// Files that a trusted person has put in a plugin's place by mistake; the rules of trust themselves are in LoadingTests.
@Suite struct FileTrustTests {
    @Test(
        arguments: [
            (
                "-pie -fPIE",
                "expected a library that can be loaded, found \"cannot dynamically load position-independent executable\""
            ),
            ("-no-pie", "found an executable"), ("-c", "found an object file"),
        ])
    func `a program, or half of one, is no library`(options: String, expected: String) throws {
        let directory = "/tmp/loghost-program-\(UInt64.random(in: .min ... .max))"
        try #require(unsafe mkdir(directory, 0o700) == 0)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let program = "\(directory)/program"
        try Data("int main(void) { return 0; }\n".utf8).write(to: URL(filePath: program + ".c"))
        try #require(unsafe system("cc \(options) -o \(program) \(program).c") == 0)
        for byPath in [false, true] {
            let refusal = #expect(throws: PluginRefusal.self) {
                _ = try LoadedLibrary.load(library: program, directories: [], byPath: byPath)
            }
            #expect(refusal?.description.hasPrefix("plugin \(program): expected ") == true)
            #expect(refusal?.description.hasSuffix(expected) == true, "\(refusal?.description ?? "")")
        }
    }
}
