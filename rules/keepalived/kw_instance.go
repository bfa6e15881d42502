package keepalived

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ipvsadm/vrrp"
)

// instance is a vrrp_instance while it is read.
type instance struct {
	base
	vrrp.InstanceConfig
	master                     bool // state MASTER
	interval                   time.Duration
	auth                       authentication
	vmac                       vmac
	mcastSource, unicastSource netip.Addr
	multicast                  netip.Addr // mcast_dst_ip
	peers                      []peer
	seen, seenPeers            set[netip.Addr] // virtual addresses and peers
	track                      trackers
	syncDevice                 string // lvs_sync_daemon_interface
	family                     ipFamily
}

// ipFamily is the family of an instance: that of its first virtual address.
type ipFamily uint8

const (
	familyUnknown ipFamily = iota
	family4
	family6
)

func familyOf(a netip.Addr) ipFamily {
	if a.Is4() {
		return family4
	}
	return family6
}

// authentication is the block of that name.
type authentication struct {
	base
	kind     vrrp.AuthType
	password string
}

// vmac is use_vmac.
type vmac struct {
	name string
	addr net.HardwareAddr
	base bool // vmac_xmit_base
}

// peer is a line of unicast_peer.
type peer struct {
	vrrp.Peer
	pos Position
}

func (l *loader) instanceTable() *table[instance] {
	return newTable("vrrp_instance", "A virtual router.",
		instanceProtocol(), l.instanceNetwork(), instanceUnicast(), instanceBehaviour(),
		l.instanceTracking(), l.instanceNotify(), instanceUnused())
}

// openInstance begins a vrrp_instance.
func (l *loader) openInstance(s *statement) *frame {
	name := s.str(0)
	v := &instance{}
	v.Name = name
	v.Track = vrrp.TrackConfig{}
	v.Announce = vrrp.DefaultAnnounce()
	v.TrackDevice, v.Accept = true, true
	v.Auth = vrrp.AuthNone
	v.UnicastTTL = 255
	if !l.define(s, "vrrp_instance", name) {
		return nil
	}
	return enter(s, l.words.instance, v, &v.base, func() {
		l.instances = append(l.instances, v)
	})
}

func instanceProtocol() []word[instance] {
	words := []word[instance]{
		{
			wordInfo: wordInfo{name: "state", args: "MASTER|BACKUP", doc: "State to begin with; an owner of the addresses (priority 255) that begins as MASTER does not wait. Default BACKUP."},
			set: func(s *statement, v *instance) {
				switch s.args[0] {
				case "MASTER":
					v.master = true
				case "BACKUP":
					v.master = false
				default:
					v.master = false
					s.warn(KindValue, strconv.Quote(abridge(s.args[0]))+" is no state and taken for BACKUP", "write state MASTER or state BACKUP")
				}
			},
			show: func(p *printer, v *instance) {
				if v.Priority == vrrp.PriorityOwner && !v.StartBackup {
					p.line("MASTER")
				} else {
					p.line("BACKUP")
				}
			},
		},
		device("interface", "Interface to send and receive on; may be missing with unicast.", func(v *instance) *string { return &v.Device }),
		number("virtual_router_id", "Number of the virtual router, 1 to 255, the same on all its routers.", 1, 255, func(v *instance) *uint8 { return &v.VRID }),
		number("priority", "1 to 255, the highest becomes master; 255 owns the addresses. Default 100, and 255 for state MASTER.", 1, 255, func(v *instance) *uint8 { return &v.Priority }),
		{
			wordInfo: wordInfo{name: "advert_int", args: "SECONDS", doc: "Time between advertisements, 0.01 to 255: whole seconds in version 2, hundredths up to 40.95 in version 3. Default 1."},
			set: func(s *statement, v *instance) {
				if d, ok := s.seconds(0, 10*time.Millisecond, 255*time.Second); ok {
					v.interval = d
				}
			},
			show: func(p *printer, v *instance) { p.line(formatSeconds(v.AdvertisementInterval)) },
		},
		{
			wordInfo: wordInfo{name: "version", args: "2|3", doc: "Version of the protocol; default vrrp_version, and always 3 for IPv6."},
			set: func(s *statement, v *instance) {
				if n, ok := inRange[uint8](s, 0, 2, 3); ok {
					v.Version = vrrp.Version(n)
				}
			},
			show: func(p *printer, v *instance) { p.line(strconv.Itoa(int(v.Version))) },
		},
		number("down_timer_adverts", "Advertisements missed until the master counts as gone, 1 to 100; default 3.", 1, 100, func(v *instance) *int { return &v.DownAdverts }),
		boolean("strict_mode", "Refuse what the RFCs do not allow; default vrrp_strict.", func(v *instance) *bool { return &v.Strict }),
		{
			wordInfo: wordInfo{name: "v3_checksum_as_v2", args: "[BOOL]", doc: "Compute the checksum of version 3 for IPv4 as RFC 9568 does, without a pseudo-header; default off."},
			set: func(s *statement, v *instance) {
				if on, ok := s.yes(); ok {
					v.Checksum = checksumForm(on)
				}
			},
			show: func(p *printer, v *instance) { p.line(formatBool(v.Checksum == vrrp.MessageOnly)) },
		},
		{
			wordInfo: wordInfo{name: "authentication", doc: "Authentication of version 2, which keeps nobody out. Avoid it."},
			open: func(s *statement, v *instance) *frame {
				v.auth = authentication{}
				return enter(s, s.lang.authentication, &v.auth, &v.auth.base, nil)
			},
			show: func(p *printer, v *instance) {
				if v.Auth == vrrp.AuthNone {
					return
				}
				p.block(func() {
					p.word = "auth_type"
					p.line(v.Auth.String())
					p.word = "auth_pass"
					p.line(p.secret(strings.TrimRight(string(v.Password[:]), "\x00")))
				})
			},
		},
		refusedBlock[instance]("auth_hmac", "Authentication with HMAC-SHA256.", "advertisements would go out without it, or be refused by the others"),
	}
	return words
}

func checksumForm(messageOnly bool) vrrp.ChecksumForm {
	if messageOnly {
		return vrrp.MessageOnly
	}
	return vrrp.WithPseudoHeader
}

// secret writes a password, or what stands for it.
func (p *printer) secret(password string) string {
	if !p.secrets {
		return "***"
	}
	return quote(password)
}

// secretRead warns, once for each file, of a password that everybody can read.
func (s *statement) secretRead() {
	if file := s.pos.File; s.reader.files.public[file] && s.report.once("secret in "+file) {
		s.note(KindFile, "the file has a password and everybody can read it", "chmod o-r "+abridge(file))
	}
}

// refusedBlock is a block that cannot be honoured.
func refusedBlock[T any](name, doc, why string) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, doc: doc, refused: why},
		open:     func(*statement, *T) *frame { return nil },
	}
}

func authenticationTable() *table[authentication] {
	return newTable("authentication", "Authentication of version 2.", []word[authentication]{
		{
			wordInfo: wordInfo{name: "auth_type", args: "PASS|AH", doc: "PASS: a password in clear. AH: an IPsec authentication header."},
			set: func(s *statement, a *authentication) {
				switch s.args[0] {
				case "PASS":
					a.kind = vrrp.AuthPass
				case "AH":
					a.kind = vrrp.AuthAH
				default:
					s.badValue(s.args[0], "PASS or AH")
				}
			},
		},
		{
			wordInfo: wordInfo{name: passwordWord, args: "PASSWORD", doc: "Password, of which 8 characters count."},
			set: func(s *statement, a *authentication) {
				a.password = s.str(0)
				s.secretRead()
				if len(a.password) > 8 {
					s.warn(KindValue, "only the first 8 characters of auth_pass count", "write 8 characters")
					a.password = a.password[:8]
				}
			},
		},
	})
}

func instanceBehaviour() []word[instance] {
	words := []word[instance]{
		{
			wordInfo: wordInfo{name: "nopreempt", doc: "Let a master of lower priority stay; needs state BACKUP."},
			set:      func(_ *statement, v *instance) { v.NoPreempt = true },
			show: func(p *printer, v *instance) {
				if v.NoPreempt {
					p.line()
				}
			},
		},
		{
			wordInfo: wordInfo{name: "preempt", doc: "Take over from a master of lower priority: the default."},
			set:      func(_ *statement, v *instance) { v.NoPreempt = false },
		},
		{
			wordInfo: wordInfo{name: "preempt_delay", args: "SECONDS", doc: "Time to wait before doing so, 0 to 1000; needs state BACKUP. Default 0."},
			set: func(s *statement, v *instance) {
				if d, ok := s.seconds(0, 0, 1000*time.Second); ok {
					v.PreemptDelay = d
				}
			},
			show: func(p *printer, v *instance) {
				if v.PreemptDelay > 0 {
					p.line(formatSeconds(v.PreemptDelay))
				}
			},
		},
		{
			wordInfo: wordInfo{name: "accept", doc: "Accept packets to the virtual addresses: the default without strict_mode."},
			set:      func(_ *statement, v *instance) { v.Accept = true },
			show: func(p *printer, v *instance) {
				if v.Accept && !v.mustAccept() {
					p.line()
				}
			},
		},
		{
			wordInfo: wordInfo{name: "no_accept", doc: "Drop packets to the virtual addresses unless we own them."},
			set:      func(_ *statement, v *instance) { v.Accept = false },
			show: func(p *printer, v *instance) {
				if !v.Accept && !v.mustAccept() {
					p.line()
				}
			},
		},
		boolean("lower_prio_no_advert", "Do not answer an advertisement of lower priority; default off.", func(v *instance) *bool { return &v.LowerPriorityNoAdvert }),
		boolean("higher_prio_send_advert", "Send a last advertisement before yielding to a higher one; default off.", func(v *instance) *bool { return &v.HigherPrioritySendAdvert }),
		boolean("owner_ignore_adverts", "As the owner of the addresses ignore advertisements; default off.", func(v *instance) *bool { return &v.OwnerIgnoreAdverts }),
		boolean("skip_check_adv_addr", "Do not compare the addresses in advertisements of the master we know; default off.", func(v *instance) *bool { return &v.SkipAddressCheck }),
		flag("promote_secondaries", "Keep other addresses of a network when one is removed.", func(v *instance) *bool { return &v.PromoteSecondaries }),
		{
			wordInfo: wordInfo{name: "lvs_sync_daemon_interface", args: "IF", doc: "Old way to write lvs_sync_daemon IF INSTANCE in global_defs.", first: true},
			set: func(s *statement, v *instance) {
				s.warn(KindDeprecated, s.name+" in an instance is deprecated", "write lvs_sync_daemon "+abridge(s.args[0])+" "+v.Name+" in global_defs")
				v.syncDevice, _ = s.iface(0)
			},
		},
	}
	words = append(words, announceWords("garp_", func(v *instance) *vrrp.AnnounceSchedule { return &v.Announce })...)
	return append(words, extraWord("garp_extra_if", func(v *instance) (*time.Duration, *bool) {
		return &v.Announce.ExtraInterfaces, &v.AnnounceAll
	}).replacing("vmac_garp_intvl"))
}

// mustAccept tells that strict_mode leaves no choice.
func (v *instance) mustAccept() bool { return v.Strict && v.Version == vrrp.V2 }

func instanceUnused() []word[instance] {
	return []word[instance]{
		unused[instance]("debug", "N", "-D and the log's format say what is logged"),
		unused[instance]("kernel_rx_buf_size", "BYTES", "sockets have the room they need"),
		{wordInfo: wordInfo{name: "native_ipv6", doc: "The addresses say the family.", gone: "the virtual addresses say the family"}},
		{
			wordInfo: wordInfo{name: "linkbeat_use_polling", doc: "Not used: the kernel tells when a link goes down.", unused: "the kernel tells when a link goes down"},
			set: func(s *statement, _ *instance) {
				s.warn(KindDeprecated, s.name+" in an instance is deprecated", "leave it out")
			},
		},
		unused[instance]("timer_expired_backup", "[PRIO]", "an instance that was late reads what came in before it acts"),
		unused[instance]("thread_timer_expired", "[PRIO]", "an instance that was late reads what came in before it acts"),
		unused[instance]("snmp_name", "NAME", noSNMP),
	}
}
