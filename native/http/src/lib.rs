//! The HTTP client under the providers: one pool of connections per provider, calls that can be ended at any time.
//!
//! * [`client`]: a pool, and how a call begins
//! * [`call`]: one call: what has come of its reply, and who waits for more
//! * [`connect`]: connections, directly or by a proxy, with a limit on how long they take
//! * [`post`]: how another thread hears that something has come, without a lock that it may be holding
//! * [`fault`]: what can go wrong
//! * [`runtime`]: the one thread that all of it runs on
//!
//! HTTP/2 where TLS negotiates it, HTTP/1.1 otherwise. Redirects are not followed. Bodies come back decoded (gzip). A call that is
//! closed lets go of its request at once, before its head or after: a provider need not work for nobody.

pub mod call;
pub mod client;
pub mod connect;
mod decode;
pub mod fault;
pub mod post;
pub mod runtime;
