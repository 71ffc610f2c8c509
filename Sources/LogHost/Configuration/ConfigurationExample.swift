extension Configuration {
    /// Shows every key with its default and its meaning: what `loghost config example` prints.
    package static let example = #"""
        # The configuration of loghost. Only `plugins` must be there; everything else shows its default, unless it says so.
        # Sizes: plain bytes, KB, MB, GB (thousands) or KiB, MiB, GiB (1024s). Durations: 250ms, 15s, 2m, 1h or seconds.

        # Where to serve: tcp://ADDRESS:PORT (IPv6 in brackets, port 0 for any free one), unix:/PATH or systemd:NAME.
        listen:
          - tcp://127.0.0.1:8080
          # Not a default: a socket with permissions; 0660 when it is given as text only.
          - address: unix:/run/loghost/loghost.sock
            mode: "0660"
          # Not a default: HTTP/1.1 and HTTP/2 over TLS. The files are read again when they change.
          - address: tcp://127.0.0.1:8443
            tls:
              certificate: /etc/loghost/tls/certificate.pem
              key: /etc/loghost/tls/key.pem
              # Certificates of clients, from these authorities only: none, optional or required.
              client_ca: /etc/loghost/tls/clients.pem
              client_auth: optional
              # The oldest version: 1.2 or 1.3.
              minimum: 1.2
          # Not a default: the sockets that systemd has bound and passes under this name (FileDescriptorName=).
          - systemd:loghost.socket

        # Where the libraries of plugins are looked for, in this order. Without this key: beside the executable.
        plugin_path:
          - /usr/lib/loghost/plugins

        # What to load. A library is a file name or an absolute path; `config` goes to the plugin as it is.
        plugins:
          - name: journald
            library: libloghost-journald.so
            # Loads these bytes or none; take it from sha256sum.
            sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
            config:
              directory: /var/log/journal
            # True gives it the verified credential of each request, if it wants that.
            credential: false
          - name: encoders
            library: libloghost-encoders.so

        # The plugins that decide who may read, asked in this order.
        authorizers: []

        # True serves other machines without an authorizer.
        insecure: false

        # Proxies whose X-Forwarded-For counts: addresses or ranges such as 10.0.0.0/8.
        trusted_proxies: []

        # What is logged: trace, debug, info, notice, warning, error or critical, and what is graver.
        log_level: info

        # True writes a record of each request beside the log.
        access_log: false

        limits:
          # Open connections, and among them followers and range answers: in all, per principal, per client address.
          connections: 12000
          followers: 10000
          followers_per_principal: 2000
          followers_per_address: 2000
          catch_ups: 64
          ranges: 256
          ranges_per_principal: 64
          ranges_per_address: 64
          # A request: its header, its target, its filters and the value of one.
          header: 32KiB
          uri: 8KiB
          filters: 32
          filter_value: 4KiB
          # A search without a find, a client that takes nothing, a header under way, a connection between requests.
          scan: 30s
          range_stall: 60s
          follow_stall: 10m
          header_read: 10s
          idle: 60s
          # How long a request waits for the authorizers; then it is 503.
          authorization: 5s
          # Threads for calls into plugins (0: by the processors there are), and the calls that wait for one.
          worker_threads: 0
          worker_queue: 1024
          # The value of one field of a log entry.
          value: 64MiB

        streams:
          # A follower gets a comment after this silence.
          keep_alive: 15s
          # How long answers may still run after SIGTERM.
          shutdown: 10s
          # News kept for followers that are not quick enough, all logs together.
          ring: 4MiB
          # Access-Control-Allow-Origin, with authorizers only: "*" or one origin.
          cors_origin: "*"

        monitoring:
          # Not a default: an address that serves /metrics, /healthz and /readyz without authorizers. It may have TLS as above.
          listen:
            - tcp://127.0.0.1:9464

        """#
}
