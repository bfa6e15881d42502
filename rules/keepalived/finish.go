package keepalived

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ipvsadm/vrrp"
)

// finish looks at what was read as a whole: it fills in what is inherited, looks
// up names, and finds what cannot be together.
func (l *loader) finish() {
	for _, use := range l.commands {
		if use.Command.User == "" {
			use.Command.User, use.Command.Group = l.global.ScriptUser, l.global.ScriptGroup
		}
	}
	l.finishFIFOs()
	l.finishDevices()
	l.finishInstances()
	l.finishGroups()
	l.finishTracking()
	l.finishStatic()
	l.finishSync()
	l.finishServers()
	l.finishPools()
	l.settleNamespaces()
}

// finishFIFOs sees to it that nothing is written to a FIFO twice, and that a FIFO
// has one reader.
func (l *loader) finishFIFOs() {
	g := &l.global
	ignore := func(word, why string) {
		l.warn(KindConflict, g.at(word), word+" is ignored: "+why, "give each FIFO a path of its own")
	}
	for _, f := range []struct {
		word string
		fifo *FIFO
	}{{"vrrp_notify_fifo", &g.VRRPFIFO}, {"lvs_notify_fifo", &g.CheckFIFO}} {
		if f.fifo.Path != "" && f.fifo.Path == g.FIFO.Path {
			ignore(f.word, "notify_fifo writes all events to "+abridge(g.FIFO.Path))
			*f.fifo = FIFO{}
		}
	}
	if v, c := &g.VRRPFIFO, &g.CheckFIFO; v.Path != "" && v.Path == c.Path && v.Script != nil && c.Script != nil {
		ignore("lvs_notify_fifo_script", "vrrp_notify_fifo_script reads the same FIFO")
		c.Script = nil
	}
}

// finishDevices puts static addresses without an interface on the default one.
func (l *loader) finishDevices() {
	for i := range l.vrrp.Addresses {
		if a := &l.vrrp.Addresses[i]; a.Device == "" {
			a.Device = l.global.vrrp.device
		}
	}
}

// finishInstances completes the instances, and leaves out those that cannot run.
func (l *loader) finishInstances() {
	l.instances = slices.DeleteFunc(l.instances, func(v *instance) bool { return !l.finishInstance(v) })
	l.byName = make(map[string]*instance, len(l.instances))
	for _, v := range l.instances {
		l.byName[v.Name] = v
	}
	l.nameVMACs()
	l.distinct()
}

// distinct refuses two instances that would take each other's advertisements
// for their own: same VRID, same family, same interface. They may share a VRID
// when they talk to different peers, or by different groups.
func (l *loader) distinct() {
	type key struct {
		device, group string
		vrid          uint8
		ipv6          bool
	}
	seen := make(map[key]*instance)
	for _, v := range l.instances {
		keys := []key{{v.Device, v.Group.String(), v.VRID, v.IPv6}}
		if len(v.Peers) > 0 {
			keys = nil
			for _, p := range v.Peers {
				keys = append(keys, key{v.Device, "to " + p.Addr.String(), v.VRID, v.IPv6})
			}
		}
		for _, k := range keys {
			other := seen[k]
			if other == nil {
				seen[k] = v
				continue
			}
			at := v.at("virtual_router_id")
			l.fail(KindDuplicate, at, fmt.Sprintf("%s and %s (on %s) are both virtual router %d on %s", v.title, other.title, lineOf(other.pos, at), v.VRID, v.Device), "give one of them another virtual_router_id")
			break
		}
	}
}

// nameVMACs gives virtual MAC interfaces without a name one: vrrp.VRID, for IPv6
// vrrp6.VRID, with a number behind if there is one already.
func (l *loader) nameVMACs() {
	taken, numbers := make(map[string]*instance), make(map[string]int)
	for _, v := range l.instances {
		if v.VMAC == nil || v.VMAC.Name == "" {
			continue
		}
		if other := taken[v.VMAC.Name]; other != nil {
			l.warn(KindDuplicate, v.at("use_vmac"), v.title+": the name "+v.VMAC.Name+" is ignored: "+other.title+" has it", "choose another name")
			v.VMAC.Name = ""
			continue
		}
		taken[v.VMAC.Name] = v
	}
	for _, v := range l.instances {
		if v.VMAC == nil || v.VMAC.Name != "" {
			continue
		}
		family := ""
		if v.IPv6 {
			family = "6"
		}
		stem := l.global.vrrp.vmacPrefix + family + "." + strconv.Itoa(int(v.VRID))
		name := stem
		for taken[name] != nil {
			numbers[stem]++
			name = stem + "." + strconv.Itoa(numbers[stem])
		}
		if !isInterface(name) {
			l.fail(KindValue, v.at("use_vmac"), v.title+": "+name+" is too long for the name of an interface", "choose a shorter vmac_prefix, or write use_vmac NAME")
		}
		taken[name], v.VMAC.Name = v, name
	}
	l.nameAddressVMACs(taken)
}

// nameAddressVMACs names the virtual MAC interfaces for single addresses as
// keepalived does: as the instance's would be, or with a number behind the prefix
// if that is taken.
func (l *loader) nameAddressVMACs(taken map[string]*instance) {
	prefix := cmp.Or(l.global.AddressVMACPrefix, l.global.vrrp.vmacPrefix)
	l.global.AddressVMACPrefix = ""
	for _, v := range l.instances {
		family := ""
		if v.IPv6 {
			family = "6"
		}
		for _, p := range v.ForeignVMACs() {
			l.fail(KindConflict, v.pos, fmt.Sprintf("%s: %v cannot be on a virtual MAC interface, which is for the family of the instance", v.title, p.Addr()), "put it on an interface as it is, or into an instance of its family")
		}
		v.AddressVMACs = nil
		for _, base := range v.VMACBases() {
			rest := family + "." + strconv.Itoa(int(v.VRID))
			name := prefix + rest
			for i := 1; taken[name] != nil; i++ {
				name = prefix + strconv.Itoa(i) + rest
			}
			if !isInterface(name) {
				l.fail(KindValue, v.pos, v.title+": "+name+" is too long for the name of an interface", "choose a shorter vmac_addr_prefix")
			}
			taken[name] = v
			l.global.AddressVMACPrefix = prefix
			v.AddressVMACs = append(v.AddressVMACs, vrrp.AddressVMAC{Name: name, Base: base})
		}
	}
}

// finishGroups looks up the members of sync groups.
func (l *loader) finishGroups() {
	inGroup := make(map[string]*group)
	l.syncGroups = slices.DeleteFunc(l.syncGroups, func(g *group) bool {
		kept := g.Instances[:0]
		for _, name := range g.Instances {
			switch other := inGroup[name]; {
			case l.findInstance(name) == nil:
				l.warn(KindReference, g.at("group"), g.title+": there is no instance "+abridge(name)+" and it is left out", l.meant(name))
			case other != nil:
				l.warn(KindDuplicate, g.at("group"), g.title+": "+abridge(name)+" is left out: it is in "+other.title+" already", "")
			default:
				inGroup[name] = g
				kept = append(kept, name)
			}
		}
		switch g.Instances = kept; len(kept) {
		case 0:
			l.warn(KindIncomplete, g.pos, g.title+" has no instance and is left out", "write group { NAME … } in it")
			return true
		case 1:
			l.warn(KindIncomplete, g.pos, g.title+" has one instance only, which is probably not what you want", "")
		}
		if !g.has("smtp_alert") {
			g.Notify.Mail = l.global.alertVRRP.or(l.global.alert.or(false))
		}
		if !g.has("notify_priority_changes") {
			g.Notify.Priorities = l.global.vrrp.priorities
		}
		return false
	})
}

// findInstance returns the instance of that name that can run, nil if there is
// none.
func (l *loader) findInstance(name string) *instance { return l.byName[name] }

// meant names the instance that was most likely meant.
func (l *loader) meant(name string) string { return l.meantOr(name, maps.Keys(l.byName), "") }

// meantOr names what was most likely meant among names, or says what else to do.
func (l *loader) meantOr(name string, names iter.Seq[string], otherwise string) string {
	if l.report.full() {
		return ""
	}
	if near := nearest(name, slices.Sorted(names)); near != "" {
		return "did you mean " + near + "?"
	}
	return otherwise
}

// finishStatic looks up the track_groups of static addresses, and their members.
func (l *loader) finishStatic() {
	for _, g := range l.trackGroups {
		g.Instances = slices.DeleteFunc(g.Instances, func(name string) bool {
			if l.findInstance(name) != nil {
				return false
			}
			l.warn(KindReference, g.pos, g.title+": there is no instance "+abridge(name)+" and it is left out", l.meant(name))
			return true
		})
		if len(g.Instances) == 0 {
			g.Instances = nil
		}
	}
	groups := make(map[string]bool, len(l.trackGroups))
	for _, g := range l.trackGroups {
		groups[g.Name] = true
	}
	for _, r := range l.references {
		if !groups[r.name] {
			l.warn(KindReference, r.pos, "there is no track_group "+abridge(r.name)+" and it is ignored", "define track_group "+abridge(r.name)+" { group { … } }")
		}
	}
	known := func(name *string) {
		if !groups[*name] {
			*name = ""
		}
	}
	for i := range l.vrrp.Addresses {
		known(&l.vrrp.Addresses[i].StaticGroup)
	}
	for i := range l.vrrp.Routes {
		known(&l.vrrp.Routes[i].StaticGroup)
	}
	for i := range l.vrrp.Rules {
		known(&l.vrrp.Rules[i].StaticGroup)
	}
}

// finishSync completes lvs_sync_daemon, which an instance can ask for in the old
// way. One that is to follow an instance that is not there does not run.
func (l *loader) finishSync() {
	for _, v := range l.instances {
		if v.syncDevice == "" {
			continue
		}
		if l.vrrp.Sync != nil {
			l.warn(KindConflict, v.at("lvs_sync_daemon_interface"), "lvs_sync_daemon_interface is ignored: there is a sync daemon already", "leave it out")
			continue
		}
		l.vrrp.Sync, l.syncPos = &vrrp.SyncConfig{Device: v.syncDevice, Instance: v.Name}, v.pos
	}
	d := l.vrrp.Sync
	if d == nil || d.Instance == "" {
		return
	}
	v := l.findInstance(d.Instance)
	if v == nil {
		l.warn(KindReference, l.syncPos, "lvs_sync_daemon is ignored, as keepalived does: there is no instance "+abridge(d.Instance)+" to follow", l.meant(d.Instance))
		l.vrrp.Sync = nil
		return
	}
	if !l.syncID {
		d.ID = v.VRID
	}
}

// settleNamespaces refuses a table of IPVS in another network namespace than that
// of the daemon: services would be put where nobody looks for them.
func (l *loader) settleNamespaces() {
	g := &l.global.Global
	if !g.HasIPVSNamespace || g.IPVSNamespace == g.NetNamespace || len(l.servers) == 0 && l.vrrp.Sync == nil {
		return
	}
	l.fail(KindUnsupported, l.ipvsPos, "net_namespace_ipvs: the table is that of the namespace that the daemon runs in",
		"leave it out, and run ipvsadm check with the virtual servers in their namespace")
}

// finishPools looks up the virtual servers that instances and groups track.
func (l *loader) finishPools() {
	names := make(map[string]bool)
	for _, s := range l.servers {
		names[s.UniqueName()] = true
	}
	check := func(b *base, list trackList, to *[]vrrp.TrackedConfig) {
		for _, t := range list.all {
			if marks := strings.TrimSuffix(t.Name, ":tcp:0") + ":none:0"; names[marks] {
				t.Name = marks // a group of firewall marks has no protocol
			}
			if !names[t.Name] {
				l.warn(KindReference, t.pos, b.title+": there is no virtual server "+t.Name+" to track, it is ignored", "write it as in its virtual_server: ADDR PORT PROTOCOL, fwmark N or group NAME PROTOCOL")
				continue
			}
			*to = append(*to, t.TrackedConfig)
		}
	}
	for _, v := range l.instances {
		check(&v.base, v.track.pools, &v.Track.Pools)
	}
	for _, g := range l.syncGroups {
		check(&g.base, g.track.pools, &g.Track.Pools)
	}
}
