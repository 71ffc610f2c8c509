import LogHost
import Logging
import Testing

@Suite struct DCOSLogSettingsTests {
    private static func settings(_ json: String) throws -> DCOSLogSettings {
        try DCOSLogSettings(json: json, file: "f.json")
    }

    private static func configs(_ configuration: Configuration) -> [String] {
        configuration.plugins.map { "\($0.name) \(String(decoding: $0.config, as: UTF8.self))" }
    }

    @Test func `every key is read`() throws {
        let settings = try Self.settings(
            #"{"role": "agent_public", "port": 1, "verbose": true, "auth": false, "ca-cert": "/c.pem", "timeout": "1m1.5s"}"#)
        #expect(settings.role == .publicAgent && settings.port == 1 && settings.isVerbose == true)
        #expect(settings.authorizes == false && settings.authoritiesFile == "/c.pem" && settings.timeout == .milliseconds(61_500))
        #expect(try Self.settings("{}") == DCOSLogSettings())
    }

    @Test(arguments: [
        (#"{"role": "slave"}"#, "role", "agent_public"), (#"{"port": 65536}"#, "port", "65535"),
        (#"{"port": "1"}"#, "port", "whole"),
        (#"{"timeout": "10"}"#, "timeout", "10s"), (#"{"timeout": "2h"}"#, "timeout", "10m"),
        (#"{"timeout": "99ms"}"#, "timeout", "100ms"),
        (#"{"timeout": "s"}"#, "timeout", "10s"),
        (#"{"roles": "agent"}"#, "roles", "role"), (#"["agent"]"#, "", "object"), ("{", "", ""),
        (#"{"auth": 1}"#, "auth", "true"),
    ])
    func `a mistake is named`(json: String, key: String, expected: String) {
        do {
            _ = try Self.settings(json)
            Issue.record("\(json) was taken")
        } catch {
            let text = "\(error)"
            #expect(text.contains("f.json") && text.contains(key) && text.contains(expected), "\(text)")
        }
    }

    @Test func `a role is what that node needs`() throws {
        let agent = try Self.settings(#"{"role": "agent"}"#).configuration(sockets: ["dcos-log.socket"])
        #expect(agent.listen.map(\.description) == ["systemd:dcos-log.socket"])
        #expect(agent.authorizers == ["iam", "sandbox"])
        #expect(
            Self.configs(agent) == [
                "journald {}", "encoders {}", #"iam {"iam":"https://leader.mesos","mode":"open"}"#,
                #"sandbox {"role":"agent","blank_lines":"drop"}"#,
            ])
        #expect(agent.plugins.map(\.getsCredential) == [false, false, false, true])
        #expect(agent.unprotectedAddress == nil && agent.logLevel == .info)
        let master = try Self.settings(
            #"{"role": "master", "ca-cert": "/a \"b\".pem", "timeout": "2s", "verbose": true, "port": 8080}"#
        ).configuration(sockets: [])
        #expect(master.listen.map(\.description) == ["tcp://0.0.0.0:8080"])
        #expect(master.authorizers == ["iam"] && master.logLevel == .debug)
        #expect(
            Self.configs(master).suffix(2) == [
                #"iam {"iam":"http://127.0.0.1:8101","mode":"open","ca_file":"/a \"b\".pem"}"#,
                #"sandbox {"role":"master","blank_lines":"drop","timeout":"2000ms"}"#,
            ])
    }

    @Test func `without an authorizer nobody else can connect`() throws {
        let plain = try Self.settings(#"{"port": 81, "auth": false}"#).configuration(sockets: [])
        #expect(plain.listen.map(\.description) == ["tcp://127.0.0.1:81"])
        #expect(plain.authorizers.isEmpty && plain.plugins.count == 2 && plain.unprotectedAddress == nil)
        let socket = DCOSLogSettings().configuration(sockets: [])
        #expect(socket.listen.map(\.description) == ["unix:/run/dcos/dcos-log.sock"])
        let asking = try Self.settings(#"{"port": 81, "auth": true}"#).configuration(sockets: [])
        #expect(asking.listen.map(\.description) == ["tcp://0.0.0.0:81"] && asking.authorizers == ["iam"])
    }

    @Test func `the command line counts more than the file`() throws {
        var settings = try Self.settings(#"{"role": "agent", "port": 1, "timeout": "1s"}"#)
        var options = DCOSLogSettings()
        options.role = .master
        options.port = 2
        settings.override(by: options)
        #expect(settings.role == .master && settings.port == 2 && settings.timeout == .seconds(1))
    }
}
