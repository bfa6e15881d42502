package checks

import "strings"

func udpCases() []Case {
	check := func(lines string) string { return block("UDP_CHECK", "retry 1;delay_before_retry 1;"+lines) }
	var cases []Case
	for _, c := range []Case{
		one("udp silent is good, then refuses", check(""), up, down, udp(silent), refuses).hasty(),
		one("udp refuses, then is there", check(""), down, up, refuses, udp(silent)).hasty(),
		one("udp answers", check(""), up, "", udp(answers("pong"))).hasty(),
		one("udp no route", check(""), up, "", route("blackhole")).hasty(),
		one("udp unreachable", check(""), up, "", route("unreachable")).hasty(),
		one("udp reply wanted, none, then one", check("require_reply"), down, up, udp(silent), udp(answers("pong"))).hasty(),
		one("udp payload comes back", check("payload 70696e67;require_reply 70696e67"), up, down, udp(echo), udp(answers("pong"))),
		one("udp reply with any digit", check("require_reply 70xx6e67"), up, down, udp(answers("ping")), udp(answers("pinG"))),
		one("udp reply longer than the pattern", check("require_reply 7069"), up, "", udp(answers("ping"))),
		one("udp reply shorter than the pattern", check("require_reply 70696e67"), up, "", udp(answers("pin"))),
		one("udp reply too short", check("require_reply;min_reply_length 4"), up, "", udp(answers("pin"))),
		one("udp reply too long", check("require_reply;max_reply_length 4"), up, "", udp(answers("pinggg"))),
		one("udp reply of 300 bytes", check("require_reply"), up, "", udp(answers(strings.Repeat("x", 300)))),
		one("udp reply with a pattern, too short", check("require_reply 70;min_reply_length 4"), down, up, udp(answers("pin")), udp(answers("ping"))),
		one("udp reply with a pattern, too long", check("require_reply 70;max_reply_length 4"), down, up, udp(answers("pinggg")), udp(answers("ping"))),
	} {
		cases = append(cases, c.with("protocol UDP"))
	}
	return cases
}

func pingCases() []Case {
	check := block("PING_CHECK", "retry 1;delay_before_retry 1")
	return []Case{
		one("ping there, then no answer", check, up, down, tcp(accepts), route("blackhole")).hasty(),
		one("ping no answer, then there", check, down, up, route("blackhole"), tcp(accepts)).hasty(),
		one("ping unreachable, then there", check, down, up, route("unreachable"), tcp(accepts)).hasty(),
	}
}

// misc is a MISC_CHECK that runs the file of the real server.
func misc(more string) string {
	return block("MISC_CHECK", `misc_path "/bin/sh FILE1";misc_timeout 5;retry 1;delay_before_retry 1;`+more)
}

func miscCases() []Case {
	exit := func(code string) Behaviour { return runs("exit " + code) }
	var cases []Case
	for _, c := range []Case{
		one("misc 0, then 1", misc(""), up, down, exit("0"), exit("1")),
		one("misc 1, then 0", misc(""), down, up, exit("1"), exit("0")),
		one("misc 2", misc(""), down, "", exit("2")),
		one("misc 255", misc(""), down, "", exit("255")),
		one("misc dynamic 0, then 2", misc("misc_dynamic"), "1:7", "1:0", exit("0"), exit("2")),
		one("misc dynamic 1, then 3", misc("misc_dynamic"), down, "1:1", exit("1"), exit("3")),
		one("misc dynamic 12, then 0", misc("misc_dynamic"), "1:10", "1:7", exit("12"), exit("0")),
		one("misc dynamic 255, then 1", misc("misc_dynamic"), "1:253", down, exit("255"), exit("1")),
		one("misc dynamic 2, then 1", misc("misc_dynamic"), "1:0", down, exit("2"), exit("1")),
		one("misc killed by a signal", misc(""), down, "", runs("kill -9 $$")),
		one("misc dynamic killed by a signal", misc("misc_dynamic"), down, "", runs("kill -9 $$")),
		one("misc too slow, then not", misc("misc_timeout 1"), down, up, runs("exec sleep 20"), exit("0")),
		one("misc too slow, deaf to SIGTERM", misc("misc_timeout 1"), down, "", runs("trap '' TERM\nsleep 20\nsleep 20")),
		one("misc sees the arguments", block("MISC_CHECK", `misc_path "/bin/sh FILE1 a 'b c'";misc_timeout 5`), up, "",
			runs(`test $# = 2 && test "$2" = "b c"`)),
	} {
		if strings.Contains(c.Name, "dynamic") {
			c.Reals[0].Block = "weight 7\n" + c.Reals[0].Block
		}
		cases = append(cases, c)
	}
	return cases
}

func fileCases() []Case {
	check := func(lines string) string { return "weight 7\n" + block("FILE_CHECK", "track_file TRACK1;"+lines) }
	return []Case{
		one("file 0, then 10", check(""), "1:7", "1:17", contains("0\n"), contains("10\n")),
		one("file 5, then -5", check("weight 1"), "1:12", "1:2", contains("5\n"), contains("-5\n")),
		one("file times 10", check("weight 10"), "1:37", "1:7", contains("3\n"), contains("0\n")),
		one("file reversed", check("weight 1 reverse"), "1:4", "1:10", contains("3\n"), contains("-3\n")),
		one("file below 0", check("weight 1"), "1:0", "1:7", contains("-20\n"), contains("0\n")),
		one("file far below 0", check("weight 1"), "1:0", "1:7", contains("-2147483647\n"), contains("0\n")),
		one("file 0, then -70000", check("weight 1"), "1:7", "1:0", contains("0\n"), contains("-70000\n")),
		one("file 0, then -65534", check("weight 1"), "1:7", "1:0", contains("0\n"), contains("-65534\n")),
		one("file -65536, then 1", check("weight 1"), "1:0", "1:8", contains("-65536\n"), contains("1\n")),
		one("file -2147483648, then 0", check("weight 1"), down, "1:0", contains("-2147483648\n"), contains("0\n")).differently("file-up", down, "1:7"),
	}
}
