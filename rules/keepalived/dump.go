package keepalived

import (
	"context"
	"strconv"
	"strings"

	"ipvsadm/check"
	"ipvsadm/vrrp"
)

// Dump writes a configuration as a file that reads back as the same, with every
// default and everything inherited written out where it holds. Passwords are
// written as ***.
func Dump(c *Config) string { return dump(c, false) }

func dump(c *Config, secrets bool) string {
	l := newLoader(context.Background(), Options{})
	l.global.Global, l.vrrp, l.check = c.Global, c.VRRP, c.Check
	p := &printer{secrets: secrets}
	l.words.root.print(p, &l.top)
	p.word = "global_defs"
	p.block(func() { l.words.global.print(p, &l.global) })
	l.dumpStatic(p)
	l.dumpVRRP(p)
	l.dumpCheck(p)
	return p.b.String()
}

// named writes a block with a name.
func (p *printer) named(word, name string, inside func()) {
	p.word = word
	p.block(inside, quote(name))
}

func (l *loader) dumpStatic(p *printer) {
	p.word = "static_ipaddress"
	printItems(p, l.vrrp.Addresses, formatAddress)
	p.word = "static_routes"
	printItems(p, l.vrrp.Routes, formatRoute)
	p.word = "static_rules"
	printItems(p, l.vrrp.Rules, formatRule)
	for _, g := range l.vrrp.StaticGroups {
		p.named("track_group", g.Name, func() { l.words.trackGroup.print(p, &trackGroup{StaticGroupConfig: g}) })
	}
}

func (l *loader) dumpVRRP(p *printer) {
	for _, s := range l.vrrp.Scripts {
		p.named("vrrp_script", s.Name, func() { l.words.script.print(p, &script{ScriptConfig: s}) })
	}
	for _, f := range l.vrrp.Files {
		p.named("track_file", f.Name, func() { l.words.trackFile.print(p, &trackFile{FileConfig: f}) })
	}
	for _, c := range l.vrrp.Processes {
		p.named("vrrp_track_process", c.Name, func() { l.words.process.print(p, &process{ProcessConfig: c}) })
	}
	for _, g := range l.vrrp.Pacing {
		p.word = "garp_group"
		p.block(func() { l.words.garpGroup.print(p, &garpGroup{PacingConfig: g}) })
	}
	for _, g := range l.vrrp.Groups {
		p.named("vrrp_sync_group", g.Name, func() { l.words.group.print(p, &group{GroupConfig: g}) })
	}
	for _, v := range l.vrrp.Instances {
		p.named("vrrp_instance", v.Name, func() { l.words.instance.print(p, &instance{InstanceConfig: v}) })
	}
}

func (l *loader) dumpCheck(p *printer) {
	if t := l.check.TLS; t != (check.TLSConfig{}) {
		p.word = "SSL"
		p.block(func() { l.words.tls.print(p, &tls{TLSConfig: t}) })
	}
	for _, g := range l.check.Groups {
		p.word = "virtual_server_group"
		p.block(func() {
			for _, e := range g.Entries {
				words := formatEntry(e)
				p.word = words[0]
				p.line(words[1:]...)
			}
		}, quote(g.Name))
	}
	for _, s := range l.check.Servers {
		v := &server{ServerConfig: s, quorumUp: (*vrrp.Command)(s.QuorumUp), quorumDown: (*vrrp.Command)(s.QuorumDown)}
		p.word = "virtual_server"
		p.block(func() { l.words.server.print(p, v) }, serverName(v)...)
	}
}

// serverName is what stands behind virtual_server.
func serverName(v *server) []string {
	switch {
	case v.Group != "":
		return []string{"group", quote(v.Group)}
	case v.Service.FWMark != 0:
		return []string{"fwmark", strconv.FormatUint(uint64(v.Service.FWMark), 10)}
	}
	return formatEndpoint(v.Service.Addr)
}

// put writes a word with its arguments.
func (p *printer) put(word string, args ...string) {
	p.word = word
	p.line(args...)
}

// putIf writes a word if its argument is not empty.
func (p *printer) putIf(word, arg string) {
	if arg != "" {
		p.put(word, quote(arg))
	}
}

// putFlag writes a word without arguments.
func (p *printer) putFlag(word string, on bool) {
	if on {
		p.put(word)
	}
}

// showChecker writes a checker.
func (l *loader) showChecker(p *printer, c *check.CheckerConfig) {
	p.word = c.Probe.Kind()
	p.block(func() {
		if f, ok := c.Probe.(check.FileCheckConfig); ok {
			showFileCheck(p, f)
			return
		}
		p.put("delay_loop", formatSeconds(c.Interval))
		p.put("warmup", formatSeconds(c.Warmup))
		p.put("retry", strconv.Itoa(c.Retries))
		p.put("delay_before_retry", formatSeconds(c.RetryDelay))
		p.put("alpha", formatBool(c.Alpha))
		p.put("log_all_failures", formatBool(c.LogFailures))
		l.showProbe(p, c)
	})
}

func showFileCheck(p *printer, f check.FileCheckConfig) {
	p.put("track_file", quote(f.File))
	words := []string{strconv.FormatInt(f.Weight, 10)}
	if f.Reverse {
		words = append(words, "reverse")
	}
	p.put("weight", words...)
	p.putFlag("dynamic", f.Dynamic)
}

func (l *loader) showProbe(p *printer, checker *check.CheckerConfig) {
	switch c := checker.Probe.(type) {
	case check.TCPConfig:
		showEndpoint(p, c.Endpoint)
	case check.PingConfig:
		showEndpoint(p, c.Endpoint)
	case check.HTTPConfig:
		showEndpoint(p, c.Endpoint)
		l.showHTTP(p, c)
	case check.SMTPConfig:
		showEndpoint(p, c.Endpoint)
		p.putIf("helo_name", c.Helo)
	case check.DNSConfig:
		showEndpoint(p, c.Endpoint)
		p.put("type", c.Type.String())
		p.putIf("name", c.Name)
	case check.UDPConfig:
		showEndpoint(p, c.Endpoint)
		showUDP(p, c)
	case check.MiscConfig:
		p.put("misc_path", commandWords((*vrrp.Command)(&c.Command))...)
		if c.Timeout != checker.Interval { // which need not be whole seconds
			p.put("misc_timeout", strconv.FormatInt(int64(c.Timeout.Seconds()), 10))
		}
		p.putFlag("misc_dynamic", c.Dynamic)
	}
}

func showEndpoint(p *printer, e check.Endpoint) {
	p.put("connect_ip", e.Addr.Addr().String())
	number := func(word string, n uint64) {
		if n != 0 {
			p.put(word, strconv.FormatUint(n, 10))
		}
	}
	number("connect_port", uint64(e.Addr.Port()))
	if e.Bind.IsValid() {
		p.put("bindto", e.Bind.String())
	}
	number("bind_port", uint64(e.Port))
	p.putIf("bind_if", e.Device)
	number("fwmark", uint64(e.Mark))
	p.put("connect_timeout", formatSeconds(e.Timeout))
}

func (l *loader) showHTTP(p *printer, c check.HTTPConfig) {
	p.put("http_protocol", c.Version.String())
	p.putFlag("enable_sni", c.SNI)
	p.putIf("sni_name", c.ServerName)
	p.put("fast_recovery", formatBool(c.FastRecovery))
	p.putFlag("tls_compliant", c.Compliant)
	for _, u := range c.URLs {
		p.word = "url"
		p.block(func() { l.words.url.print(p, &url{URLConfig: u}) })
	}
}

func showUDP(p *printer, c check.UDPConfig) {
	if c.Payload != nil {
		p.put("payload", formatHex(c.Payload, []byte(strings.Repeat("\xff", len(c.Payload)))))
	}
	switch {
	case c.Reply && len(c.Pattern) > 0:
		p.put("require_reply", formatHex(c.Pattern, c.Mask))
	case c.Reply:
		p.put("require_reply")
	}
	p.put("min_reply_length", strconv.Itoa(c.MinReply))
	p.put("max_reply_length", strconv.Itoa(c.MaxReply))
}
