"""`headrace bench`: what does a server hold? The load generator, on the client side of the same native core."""
