package keepalived

import (
	"strings"
)

// What we say of words that have nothing to do here.
const (
	oneProcess = "everything runs in one process"
	// RLIMIT_RTTIME counts what a thread uses on end, and kills.
	realTimeLimit = "reading a file or cleaning up memory takes longer, and the limit would end the process; sched_rt_runtime_us keeps time for others"
	noSNMP        = "there is no SNMP; the state is shown by the status commands and as metrics"
	noDBus        = "there is no D-Bus; the state is shown by the status commands and as metrics"
	noFirewall    = "packets are filtered by nftables, in tables of our own"
	noDumps       = "state is not written to files"
	noBFD         = "BFD is not spoken"
)

// globalUnused are the words of global_defs that are read for the sake of files
// that have them.
func (l *loader) globalUnused() []word[globals] {
	none := func(args, why string, names ...string) []word[globals] {
		var words []word[globals]
		for _, name := range names {
			words = append(words, unused[globals](name, args, why))
		}
		return words
	}
	var words []word[globals]
	for _, process := range []string{"vrrp", "checker", "bfd"} {
		if process != "vrrp" {
			words = append(words, none("N", oneProcess+", which has vrrp_priority", process+"_priority")...)
			words = append(words, none("N", oneProcess+", which has vrrp_rt_priority", process+"_rt_priority")...)
			words = append(words, none("", oneProcess+", which has vrrp_no_swap", process+"_no_swap")...)
		}
		words = append(words, none("CPU…", oneProcess, process+"_cpu_affinity")...)
		words = append(words, none("N", realTimeLimit, process+"_rlimit_rttime")...)
		words[len(words)-1].also = process + "_rlimit_rtime"
		words = append(words, none("NAME", oneProcess, process+"_process_name")...)
		if process == "checker" {
			words[len(words)-1].also = "lvs_process_name"
		}
	}
	words = append(words, none("", oneProcess, "process_names")...)
	words = append(words, none("NAME", oneProcess, "process_name")...)
	words = append(words, none("[N]", oneProcess, "max_auto_priority")...)
	words = append(words, none("N", oneProcess, "min_auto_priority_delay")...)
	for _, socket := range []string{"vrrp_netlink_cmd", "vrrp_netlink_monitor", "lvs_netlink_cmd", "lvs_netlink_monitor", "process_monitor"} {
		words = append(words, none("BYTES", "sockets have the room they need", socket+"_rcv_bufs")...)
		words = append(words, none("[BOOL]", "sockets have the room they need", socket+"_rcv_bufs_force")...)
	}
	words = append(words, none("MTU|ADVERT|N", "sockets have the room they need", "vrrp_rx_bufs_policy")...)
	words = append(words, none("N", "sockets have the room they need", "vrrp_rx_bufs_multiplier")...)
	words = append(words, none("[IN [OUT]]", noFirewall, "vrrp_iptables")...)
	words = append(words, none("[NAME…]", noFirewall, "vrrp_ipsets")...)
	words = append(words, none("[TABLE]", noFirewall, "nftables")...)
	words = append(words, none("N", noFirewall, "nftables_priority")...)
	words = append(words, none("", noFirewall, "nftables_counters", "nftables_ifindex")...)
	words = append(words, none("[TABLE]", "each address of a group is a service of its own", "nftables_ipvs")...)
	words = append(words, none("N", "each address of a group is a service of its own", "nftables_ipvs_priority", "nftables_ipvs_start_fwmark")...)
	words = append(words, none("", noSNMP, "enable_snmp_vrrp", "enable_snmp_keepalived", "enable_snmp_checker", "enable_snmp_rfc", "enable_snmp_rfcv2", "enable_snmp_rfcv3", "enable_traps")...)
	words = append(words, none("SOCKET", noSNMP, "snmp_socket")...)
	words = append(words, none("SECONDS", noSNMP, "snmp_vs_stats_update_interval", "snmp_rs_stats_update_interval")...)
	words = append(words, none("", noDBus, "enable_dbus", "dbus_no_interface_name")...)
	words = append(words, none("NAME", noDBus, "dbus_service_name")...)
	words = append(words, none("FILE", noDumps, "state_dump_file", "stats_dump_file", "json_dump_file")...)
	words = append(words, none("1|2", noDumps, "json_version")...)
	words = append(words, none("[BOOL]", noDumps, "data_use_instance")...)
	words = append(words, none("DIR", "the files are read once, into memory", "tmp_config_directory", "config_save_dir")...)
	words = append(words, none("DIR", "names of tables are read from /etc/iproute2", "iproute_usr_dir", "iproute_etc_dir")...)
	words = append(words, none("[FILE]", "a file is always checked whole before anything of it is used", "reload_check_config")...)
	words = append(words, none("FILE", "reload at a set time with at(1) or a timer", "reload_time_file")...)
	words = append(words, none("", "reload at a set time with at(1) or a timer", "reload_repeat")...)
	words = append(words, none("[FILE]", "the files are read once, into memory", "reload_file")...)
	words = append(words, none("MASK", "no file is made that others could read", "umask")...)
	words[len(words)-1].args = "MASK…"
	words = append(words, none("[BOOL]", "the target of a link is checked as well", "use_symlink_paths")...)
	words = append(words, none("", "programs get the groups of their user", "set_supplementary_groups")...)
	return append(words, l.readerWords()...)
}

// readerWords are those that say how the rest of the file is read.
func (l *loader) readerWords() []word[globals] {
	return []word[globals]{
		{
			wordInfo: wordInfo{name: "random_seed", args: "N", doc: "Seed of ${_RANDOM}; default the configuration's id, so that a file stands for the same every time."},
			set: func(s *statement, _ *globals) {
				if n, ok := inRange[uint64](s, 0, 0, 1<<32-1); ok {
					l.reader.seed(n)
				}
			},
		},
		{
			wordInfo: wordInfo{name: "include_check", args: "[CHECK…]", doc: "What include insists on from here: readable, match, wildcard_match, brace_match; with + or - added or taken away; all without any.", many: true},
			set:      func(s *statement, _ *globals) { l.includeCheck(s) },
		},
	}
}

func (l *loader) includeCheck(s *statement) {
	names := map[string]includeChecks{
		"readable": checkReadable, "match": checkReadable | checkMatch,
		"wildcard_match": checkReadable | checkWildcard, "brace_match": checkReadable | checkBrace,
	}
	l.reader.setChecks(func(now includeChecks) includeChecks {
		if len(s.args) == 0 {
			return checkAll
		}
		if !strings.ContainsAny(s.args[0][:min(1, len(s.args[0]))], "+-") {
			now = 0
		}
		for _, arg := range s.args {
			name := strings.TrimLeft(arg, "+-")
			c, ok := names[name]
			switch {
			case !ok:
				s.badValue(arg, "readable, match, wildcard_match or brace_match")
			case strings.HasPrefix(arg, "-") && c != checkReadable:
				now &^= c &^ checkReadable
			case strings.HasPrefix(arg, "-"):
				now &^= c
			default:
				now |= c
			}
		}
		return now
	})
}
