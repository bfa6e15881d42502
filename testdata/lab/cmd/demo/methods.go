package main

// A method is one of the three ways a director hands packets to real servers:
// the post's commands for it, and what has to be said about them.
type method struct {
	name, what string
	forward    string // how ipvsadm's listing calls it
	director   []step // typed on the director
	real       []step // typed on each real server, before
	undo       []string
	persistent bool // the director's commands make clients stick to a server
}

// step is a line to type, and a remark on it.
type step struct{ line, remark string }

var methods = []method{direct, masquerading, tunneling}

var direct = method{
	name:    "DR",
	what:    "direct routing: the director changes only the frame's MAC address, real servers answer the client directly",
	forward: "Route",
	real: []step{
		{`ifconfig lo:0 192.168.40.17 netmask 255.255.255.255`, "the post says lo, which would take 127.0.0.1 away"},
		{`route add -host 192.168.40.17 dev lo`, ""},
		{`echo "1">/proc/sys/net/ipv4/conf/lo/arp_ignore`, ""},
		{`echo "2">/proc/sys/net/ipv4/conf/lo/arp_announce`, ""},
		{`echo "1">/proc/sys/net/ipv4/conf/all/arp_ignore`, "the post writes arp_announce twice here; without arp_ignore real servers take the VIP"},
		{`echo "2">/proc/sys/net/ipv4/conf/all/arp_announce`, ""},
	},
	director: []step{
		{`ifconfig eth0:1 192.168.40.17 netmask 255.255.254.0`, ""},
		{`route add -host 192.168.40.17 dev eth0`, ""},
		{`ipvsadm -C`, ""},
		{`ipvsadm -A -t 192.168.40.17:80 -s rr -p 20`, ""},
		{`ipvsadm -a -t 192.168.40.17:80 -r 192.168.41.31:80 -g -w 10`, ""},
		{`ipvsadm -a -t 192.168.40.17:80 -r 192.168.41.33:80 -g -w 10`, ""},
	},
	persistent: true,
	undo: []string{
		`ifconfig lo:0 down`,
		`echo "0">/proc/sys/net/ipv4/conf/all/arp_ignore`,
		`echo "0">/proc/sys/net/ipv4/conf/all/arp_announce`,
	},
}

var masquerading = method{
	name:    "NAT",
	what:    "masquerading: the director rewrites addresses, answers go back through it",
	forward: "Masq",
	real: []step{
		{`route del default`, ""},
		{`route add default gw 192.168.41.181`, "answers must pass the director; the VIP is not needed here, whatever the post says"},
	},
	director: []step{
		{`echo "1">/proc/sys/net/ipv4/ip_forward`, "the post misspells it ip_forword"},
		{`echo "0">/proc/sys/net/ipv4/conf/all/send_redirects`, "one network for all: or the director shows real servers the way around it"},
		{`echo "0">/proc/sys/net/ipv4/conf/eth0/send_redirects`, ""},
		{`ipvsadm -D -t 192.168.40.17:80`, ""},
		{`ipvsadm -A -t 192.168.40.17:80 -s rr`, ""},
		{`ipvsadm -a -t 192.168.40.17:80 -r 192.168.41.31:80 -m -w 10`, ""},
		{`ipvsadm -a -t 192.168.40.17:80 -r 192.168.41.33:80 -m -w 10`, ""},
	},
	undo: []string{
		`route del default`,
		`route add default gw 192.168.41.1`,
	},
}

var tunneling = method{
	name:    "TUN",
	what:    "tunneling: the director wraps packets in IPIP, real servers answer the client directly",
	forward: "Tunnel",
	real: []step{
		{`/sbin/modprobe ipip`, ""},
		{`ifconfig tunl0 192.168.40.17 netmask 255.255.255.255 up`, "the module's own device is tunl0; the post calls it tun1"},
		{`route add -host 192.168.40.17 dev tunl0`, ""},
		{`echo "1">/proc/sys/net/ipv4/conf/tunl0/arp_ignore`, "the post says arp-ignore"},
		{`echo "2">/proc/sys/net/ipv4/conf/tunl0/arp_announce`, ""},
		{`echo "0">/proc/sys/net/ipv4/conf/tunl0/rp_filter`, "packets come out of the tunnel that answers do not go into"},
		{`echo "0">/proc/sys/net/ipv4/conf/all/rp_filter`, "the stricter of all and tunl0 counts"},
		{`echo "1">/proc/sys/net/ipv4/conf/tunl0/forwarding`, ""},
		{`echo "1">/proc/sys/net/ipv4/conf/all/arp_ignore`, ""},
		{`echo "2">/proc/sys/net/ipv4/conf/all/arp_announce`, ""},
	},
	director: []step{
		{`ipvsadm -D -t 192.168.40.17:80`, ""},
		{`ipvsadm -A -t 192.168.40.17:80 -s rr`, ""},
		{`ipvsadm -a -t 192.168.40.17:80 -r 192.168.41.31:80 -i -w 10`, "the post calls the option -l; it is -i"},
		{`ipvsadm -a -t 192.168.40.17:80 -r 192.168.41.33:80 -i -w 10`, ""},
	},
}
