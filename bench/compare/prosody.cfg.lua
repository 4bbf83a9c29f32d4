-- Prosody, with the tuning that its documentation advises: epoll, the generational collector, no Nagle. No rate limits
-- (mod_limits is not loaded), no server to server. Loaded is what a scenario uses, and nothing else.
run_as_root = true
pidfile = "$folder/prosody.pid"
data_path = "$folder/data"
c2s_direct_tls_ssl = { certificate = "$folder/cert.pem", key = "$folder/key.pem" }
network_backend = "epoll"
network_settings = { nagle = false }
gc = { mode = "generational" }
interfaces = { "127.0.0.1" }
c2s_ports = { $port }
c2s_direct_tls_ports = { $direct }
s2s_ports = {}
modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "version", $features }
modules_disabled = { "s2s", "offline" }
authentication = "internal_hashed"
password_hash = "SHA-256"
default_iteration_count = 4096
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
allow_registration = true
-- The archive: files, which were faster here than SQLite. Messages of all users, for as long as the run.
default_archive_policy = true
archive_expires_after = "never"
smacks_hibernation_time = 600
log = { error = "$folder/prosody.log" }
VirtualHost "localhost"
    ssl = { certificate = "$folder/cert.pem", key = "$folder/key.pem" }
$components
