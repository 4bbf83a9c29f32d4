-- Prosody as a plain router, with the tuning its authors advise: no archive, no rate limits.
run_as_root = true
pidfile = "$folder/prosody.pid"
data_path = "$folder/data"
certificates = "$folder"
network_backend = "epoll"
network_settings = { nagle = false }
gc = { mode = "generational" }
interfaces = { "127.0.0.1" }
c2s_ports = { $port }
s2s_ports = {}
modules_enabled = { "roster", "saslauth", "tls", "disco", "ping" }
modules_disabled = { "s2s", "offline" }
authentication = "internal_hashed"
password_hash = "SHA-256"
default_iteration_count = 4096
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
log = { error = "$folder/prosody.log" }
VirtualHost "localhost"
    ssl = { certificate = "$folder/cert.pem", key = "$folder/key.pem" }
