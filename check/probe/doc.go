// Package probe checks real servers: it has keepalived's checkers, TCP_CHECK,
// HTTP_GET, SSL_GET, SMTP_CHECK, DNS_CHECK, UDP_CHECK, PING_CHECK, MISC_CHECK and
// FILE_CHECK.
//
//	c, err := probe.New(config.Servers[0].Reals[0].Checkers[0].Probe, probe.Options{})
//	result := c.Check(ctx)
//
// # Verdicts
//
// They are those of keepalived 2.2.7, which was asked: a configuration that works
// with it works here. The tests have the rows, and where ours is another verdict
// they say why: a server that is well by the RFC is well, and one that never ends
// to answer is not. What a checker has to say is in keepalived's words.
//
// What goes wrong on this host, as when there are no file descriptors left or an
// interface is gone, says nothing of the server: the verdict is check.Skip. So it
// is when the context ends.
//
// # Limits
//
// A server can be as bad as it likes. Each thing that is waited for (to connect,
// the TLS handshake, each answer) may take the Timeout of the Endpoint, however
// slowly it comes, and a check is over after the sum of them: once the Timeout for
// TCP, UDP, DNS and ping, twice for HTTP, three times for SSL, four for SMTP. An
// answer of HTTP may have a head of 16 KiB and 64 MiB in all, and nothing of it is
// kept but 64 KiB for a pattern to be found in. A reply of SMTP may have 100 lines
// of 512 bytes. Nothing is followed, unpacked or kept open. A panic is a failed
// check.
//
// # Beside others
//
// Checks of one process share Turns, which bound how many of them use a processor at
// the same time, however many are due, answer at length, or search for patterns. How
// long a check waits for its turn after the server has answered is not counted as the
// server's time, up to nine times the Timeout.
//
// # Privileges
//
// PING_CHECK takes CAP_NET_RAW, or a group in net.ipv4.ping_group_range; fwmark
// and bind_if take CAP_NET_ADMIN and CAP_NET_RAW.
package probe
