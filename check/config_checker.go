package check

import (
	"net/netip"
	"time"
)

// CheckerConfig is one check of one real server.
type CheckerConfig struct {
	// Interval is from the end of a check to the next (delay_loop), and Warmup
	// the most that the first may be put off, 0 for not at all.
	Interval, Warmup time.Duration
	// Retries are made when a check of a server that is up fails, RetryDelay
	// apart, before it counts as down. The very first check has none.
	Retries    int
	RetryDelay time.Duration
	// Alpha takes the server for down until the first check succeeds.
	Alpha bool
	// LogFailures logs every failed check, not only the change.
	LogFailures bool
	// Probe is what is done.
	Probe ProbeConfig
}

// ProbeConfig is one of the kinds of check. The set is closed.
type ProbeConfig interface {
	probe()
	// Kind returns the word of keepalived.conf: TCP_CHECK, HTTP_GET …
	Kind() string
}

// Endpoint is where a network check connects to, and from.
type Endpoint struct {
	// Addr is the server to connect to. Port 0 is the port of a server that has
	// none; PING_CHECK has no use for it.
	Addr netip.AddrPort
	// Bind is the source, an invalid address and port 0 for any. Device is the
	// interface to use, "" for any.
	Bind   netip.Addr
	Port   uint16
	Device string
	Mark   uint32 // of the packets, 0 for none
	// Timeout is for connecting and, where there are any, for each answer.
	Timeout time.Duration
}

type (
	// TCPConfig succeeds when a connection can be made.
	TCPConfig struct{ Endpoint }

	// HTTPConfig asks for pages, each of which must be as expected.
	HTTPConfig struct {
		Endpoint
		TLS bool // SSL_GET
		// SNI sends the name of the virtual host in the handshake, or ServerName
		// if that is not "".
		SNI        bool
		ServerName string
		// Version is that of the request. A 1.0C request is a 1.0 request with
		// "Connection: close".
		Version HTTPVersion
		// FastRecovery checks all pages at once after a failure, and not one in
		// each Interval.
		FastRecovery bool
		// Compliant wants TLS to be ended as TLS says (tls_compliant).
		Compliant bool
		URLs      []URLConfig
	}

	// SMTPConfig says HELO to a mail server.
	SMTPConfig struct {
		Endpoint
		Helo string
	}

	// DNSConfig asks a name server.
	DNSConfig struct {
		Endpoint
		Type DNSType
		Name string
	}

	// UDPConfig sends a datagram and fails when an ICMP error comes back.
	UDPConfig struct {
		Endpoint
		Payload []byte // random if nil
		// Reply wants an answer. With a Pattern it must have MinReply to MaxReply
		// bytes; where Mask has a bit, it must be that of Pattern, as far as both
		// go.
		Reply              bool
		Pattern, Mask      []byte
		MinReply, MaxReply int
	}

	// PingConfig sends an ICMP echo request.
	PingConfig struct{ Endpoint }

	// MiscConfig runs a program; exit status 0 is success.
	MiscConfig struct {
		Command Command
		Timeout time.Duration
		// Dynamic takes exit statuses 2 to 255 for success with a weight of 0 to
		// 253.
		Dynamic bool
	}

	// FileCheckConfig watches a file of Config.Files. Its number times Weight is
	// added to the server's weight.
	FileCheckConfig struct {
		File    string
		Weight  int64
		Reverse bool
		Dynamic bool
	}
)

// HTTPVersion is the version of HTTP requests.
type HTTPVersion uint8

const (
	HTTP10 HTTPVersion = iota
	HTTP10C
	HTTP11
)

func (v HTTPVersion) String() string {
	switch v {
	case HTTP10:
		return "1.0"
	case HTTP10C:
		return "1.0C"
	}
	return "1.1"
}

// URLConfig is a page and what it must be like: everything that is set.
type URLConfig struct {
	Path        string
	VirtualHost string
	// Status are the statuses that are good, 200 to 299 unless others were
	// configured.
	Status []StatusRange
	// Digest is the MD5 sum of the body, if HasDigest.
	Digest    [16]byte
	HasDigest bool
	// Pattern is a Perl-compatible regular expression, "" for none, to be found
	// in the answer, its head included, or with NoMatch not to be found. The match
	// must begin at MinOffset bytes or later, and at MaxOffset or before if that is
	// not 0.
	Pattern              string
	Options              []string // of PCRE2, keepalived's names: caseless …
	NoMatch              bool
	MinOffset, MaxOffset uint64
}

// StatusRange are HTTP statuses from First to Last.
type StatusRange struct{ First, Last uint16 }

// DNSType is a type of DNS records, with its number.
type DNSType uint16

const (
	DNSA     DNSType = 1
	DNSNS    DNSType = 2
	DNSCNAME DNSType = 5
	DNSSOA   DNSType = 6
	DNSMX    DNSType = 15
	DNSTXT   DNSType = 16
	DNSAAAA  DNSType = 28
)

func (t DNSType) String() string {
	switch t {
	case DNSA:
		return "A"
	case DNSNS:
		return "NS"
	case DNSCNAME:
		return "CNAME"
	case DNSSOA:
		return "SOA"
	case DNSMX:
		return "MX"
	case DNSTXT:
		return "TXT"
	case DNSAAAA:
		return "AAAA"
	}
	return "unknown"
}

func (TCPConfig) probe()       {}
func (HTTPConfig) probe()      {}
func (SMTPConfig) probe()      {}
func (DNSConfig) probe()       {}
func (UDPConfig) probe()       {}
func (PingConfig) probe()      {}
func (MiscConfig) probe()      {}
func (FileCheckConfig) probe() {}

// Kind returns the word of keepalived.conf.
func (TCPConfig) Kind() string { return "TCP_CHECK" }

// Kind returns the word of keepalived.conf.
func (c HTTPConfig) Kind() string {
	if c.TLS {
		return "SSL_GET"
	}
	return "HTTP_GET"
}

// Kind returns the word of keepalived.conf.
func (SMTPConfig) Kind() string { return "SMTP_CHECK" }

// Kind returns the word of keepalived.conf.
func (DNSConfig) Kind() string { return "DNS_CHECK" }

// Kind returns the word of keepalived.conf.
func (UDPConfig) Kind() string { return "UDP_CHECK" }

// Kind returns the word of keepalived.conf.
func (PingConfig) Kind() string { return "PING_CHECK" }

// Kind returns the word of keepalived.conf.
func (MiscConfig) Kind() string { return "MISC_CHECK" }

// Kind returns the word of keepalived.conf.
func (FileCheckConfig) Kind() string { return "FILE_CHECK" }
