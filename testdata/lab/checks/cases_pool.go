package checks

import "strings"

// several is a case of several real servers, each with a TCP_CHECK and a weight.
func several(name string, weights []string, first, then string, does ...[2]Behaviour) Case {
	c := Case{Name: name, Want: [2]string{first, then}}
	for i, d := range does {
		c.Reals = append(c.Reals, Real{Block: "weight " + weights[i] + "\nTCP_CHECK {\n}\n", Does: d})
	}
	return c
}

func always(b Behaviour) [2]Behaviour { return [2]Behaviour{b} }
func dies() [2]Behaviour              { return [2]Behaviour{tcp(accepts), refuses} }
func rises() [2]Behaviour             { return [2]Behaviour{refuses, tcp(accepts)} }
func lives() [2]Behaviour             { return always(tcp(accepts)) }
func dead() [2]Behaviour              { return always(refuses) }
func (c Case) reals(lines string) Case { // lines in every real server
	for i := range c.Reals {
		c.Reals[i].Block = strings.ReplaceAll(lines, ";", "\n") + "\n" + c.Reals[i].Block
	}
	return c
}

func poolCases() []Case {
	w := func(weights string) []string { return strings.Fields(weights) }
	return []Case{
		several("no checker is up", w("1"), up, "", dead()).without(),
		several("all die, nothing is left", w("1 2"), "1:1 2:2", "-", dies(), dies()),
		several("one of two dies", w("3 2"), "1:3 2:2", "2:2", dies(), lives()),
		several("weight 0", w("0 1"), "1:0 2:1", "2:1", dies(), lives()),
		several("alpha", w("1 1"), "1:1", "1:1 2:1", lives(), rises()).with("alpha"),
		several("inhibit_on_failure of the virtual server", w("4 5"), "1:0 2:5", "1:4 2:0", rises(), dies()).with("inhibit_on_failure"),
		several("inhibit_on_failure of a real server", w("4 5"), "1:4 2:5", "1:0", dies(), dies()).inhibit(0),
		several("inhibit_on_failure with alpha", w("4"), "1:0", "1:4", rises()).with("inhibit_on_failure;alpha"),
		one("two checkers, one fails", "TCP_CHECK {\n}\n"+http(ok), down, up, tcp(accepts), tcp(status(200))).hasty(),
		one("two checkers, both fail, one recovers", "TCP_CHECK {\n}\n"+http(ok), down, "", refuses, tcp(status(500))),
		one("two programs with weights", "weight 7\n"+misc("misc_dynamic")+http(ok), down, "", runs("exit 12")),
		several("thresholds", w("2"), "1:2", "", lives()).reals("uthreshold 100;lthreshold 20"),
		several("tunnel and route beside each other", w("1 1"), "1:1 2:1", "", lives(), lives()).methods(),
		several("GUE tunnel", w("1"), up, "", lives()).with("lvs_method TUN type gue port 5555"),
		several("GRE tunnel with checksum", w("1"), up, "", lives()).with("lvs_method TUN type gre csum"),
		several("persistence", w("1"), up, "", lives()).with("persistence_timeout 300;persistence_granularity 255.255.255.0"),
		several("persistence by its granularity alone", w("1"), up, "", lives()).with("persistence_granularity 255.255.255.0"),
		several("another port with DR", w("1"), up, down, dies()).with("lvs_method DR").port(8080),
		several("ha_suspend without the address", w("1 1"), "1:1 2:1", "", dead(), dead()).with("ha_suspend"),
		several("one packet", w("1"), up, "", lives()).with("protocol UDP;ops"),
		several("sh with flags", w("1"), up, "", lives()).with("lvs_sched sh;sh-port;sh-fallback"),
		several("mh with flags", w("1"), up, "", lives()).with("lvs_sched mh;mh-port;mh-fallback"),
		several("SCTP", w("1"), up, "", lives()).with("protocol SCTP"),
	}
}

// port gives real servers another port in the table; they are checked at 80.
func (c Case) port(port uint16) Case {
	for i := range c.Reals {
		c.Reals[i].Port = port
		c.Reals[i].Block = strings.ReplaceAll(c.Reals[i].Block, "TCP_CHECK {", "TCP_CHECK {\nconnect_port 80")
	}
	return c
}

// without takes the checkers away.
func (c Case) without() Case {
	for i := range c.Reals {
		c.Reals[i].Block = "weight 1\n"
	}
	return c
}

// inhibit gives one real server inhibit_on_failure.
func (c Case) inhibit(i int) Case {
	c.Reals[i].Block = "inhibit_on_failure\n" + c.Reals[i].Block
	return c
}

// methods gives two real servers forwarding methods of their own.
func (c Case) methods() Case {
	c.Reals[0].Block = "lvs_method TUN\n" + c.Reals[0].Block
	c.Reals[1].Block = "lvs_method DR\n" + c.Reals[1].Block
	return c
}

func quorumCases() []Case {
	w := func(weights string) []string { return strings.Fields(weights) }
	return []Case{
		several("sorry server, when all are dead", w("1 1"), "1:1 2:1", "s:1", dies(), dies()).with("sorry_server SORRY 80"),
		several("sorry server, until one is back", w("1 1"), "s:1", "1:1", rises(), dead()).with("sorry_server SORRY 80"),
		several("sorry server below the quorum", w("3 3"), "1:3 2:3", "s:1", lives(), dies()).with("quorum 4;sorry_server SORRY 80"),
		several("quorum reached exactly", w("3 3 1"), "s:1", "1:3 3:1", lives(), dead(), rises()).with("quorum 4;sorry_server SORRY 80"),
		several("below the quorum without a sorry server", w("3 3"), "1:3 2:3", "1:3", lives(), dies()).with("quorum 4"),
		several("hysteresis keeps the quorum", w("3 3 3"), "1:3 2:3 3:3", "1:3 2:3", lives(), lives(), dies()).with("quorum 7;hysteresis 2;sorry_server SORRY 80"),
		several("hysteresis keeps it lost", w("3 3 3"), "s:1", "", lives(), lives(), dead()).with("quorum 5;hysteresis 2;sorry_server SORRY 80;alpha"),
		several("hysteresis is exceeded", w("3 3 3"), "s:1", "1:3 2:3 3:3", lives(), lives(), rises()).with("quorum 5;hysteresis 2;sorry_server SORRY 80;alpha"),
		several("quorum more than all weights", w("1 1"), "1:1 2:1", "s:1", lives(), dies()).with("quorum 9;sorry_server SORRY 80"),
		several("sorry server, inhibited", w("2"), "1:2 s:0", "s:1", dies()).with("sorry_server SORRY 80;sorry_server_inhibit"),
		several("sorry server beside inhibited servers", w("2 2"), "1:2 2:2", "1:0 2:0 s:1", dies(), dies()).with("sorry_server SORRY 80;inhibit_on_failure"),
		several("sorry server by another method", w("1"), "1:1", "s:1", dies()).with("sorry_server SORRY 80;sorry_server_lvs_method TUN"),
		several("sorry server for servers of weight 0", w("0"), "s:1", "", lives()).with("sorry_server SORRY 80"),
		one("sorry server when a program says weight 0", "weight 5\n"+misc("misc_dynamic"), "s:1", "1:5", runs("exit 2"), runs("exit 7")).with("sorry_server SORRY 80"),
		several("sorry server that is a real server", w("1 1"), "1:1 2:1", "2:1", dies(), dies()).with("sorry_server RS2 80"),
		several("sorry server, alpha", w("1"), "s:1", "1:1", rises()).with("sorry_server SORRY 80;alpha"),
	}
}

func addressCases() []Case {
	six := func(c Case) Case { c.IPv6 = true; return c }
	at := func(c Case, address string) Case { c.Address = address; return c }
	return []Case{
		six(one("IPv6 tcp, then refuses", "TCP_CHECK {\n}\n", up, down, tcp(accepts), refuses)),
		six(one("IPv6 tcp no answer", "TCP_CHECK {\n}\n", down, up, route("blackhole"), tcp(accepts)).hasty()),
		six(one("IPv6 http 500, then 200", http(ok), down, up, tcp(status(500)), tcp(status(200)))),
		six(one("IPv6 http Host is the address", http(ok), up, "", tcp(askedItself))),
		six(one("IPv6 tls", ssl(""), up, down, tcp(over(selfSigned(), status(200))), tcp(resets))),
		six(one("IPv6 smtp", "SMTP_CHECK {\n}\n", up, "", tcp(mail("220 mx\r\n", "250 mx\r\n", "221 bye\r\n")))),
		six(one("IPv6 udp refuses, then is there", block("UDP_CHECK", "retry 1;delay_before_retry 1"), down, up, refuses, udp(silent)).hasty().with("protocol UDP")),
		six(one("IPv6 ping there, then no answer", block("PING_CHECK", "retry 1;delay_before_retry 1"), up, down, tcp(accepts), route("blackhole")).hasty()),
		at(several("firewall mark", []string{"1", "2"}, "1:1 2:2", "2:2", dies(), lives()), "fwmark 7"),
	}
}
