"""One XMPP stream without its socket: headers, features, errors, framings. Bytes and values in, bytes out."""
