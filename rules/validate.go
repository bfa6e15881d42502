package rules

import "ipvsadm/ipvs"

// Defaults of ipvsadm where the kernel has none.
const (
	defaultScheduler = "wlc"
	defaultInterface = "eth0"
)

// grammar says which options go with a command. One not named is illegal.
type grammar struct {
	required, allowed optionSet
	oneOf             optionSet // at most one of these
}

// rulesOf returns the grammar of a command. --sort, -6 and the commands
// themselves are not judged.
func rulesOf(v verb) grammar {
	service := setOf(optService)
	dryRun, drain := setOf(optDryRun), setOf(optDrain, optDrainInactive)
	switch v {
	case addService, editService:
		return grammar{
			required: service,
			allowed:  setOf(optScheduler, optPersistent, optNetmask, optOnePacket, optPE, optSchedFlags) | dryRun,
		}
	case deleteService:
		return grammar{required: service, allowed: dryRun}
	case addServer, editServer:
		g := grammar{
			required: service | setOf(optServer),
			allowed:  setOf(optForward, optWeight, optUpper, optLower) | tunnelOptions() | dryRun,
		}
		if v == editServer {
			g.allowed |= drain
		}
		return g
	case deleteServer:
		return grammar{required: service | setOf(optServer), allowed: dryRun | drain}
	case flush:
		return grammar{allowed: dryRun}
	case list:
		return grammar{
			allowed: setOf(optNumeric, optStats, optRate, optThresholds, optPersistentConn, optNoSort,
				optSyncID, optExact, optTunInfo, optJSON, optWatch, optCount),
			oneOf: service | setOf(optConnection, optTimeout, optDaemon),
		}
	case zero:
		return grammar{allowed: service | dryRun}
	case startDaemon:
		return grammar{allowed: setOf(optInterface, optSyncID, optGroup, optPort, optTTL, optMaxLen) | dryRun}
	case stopDaemon:
		return grammar{allowed: setOf(optSyncID) | dryRun}
	case setTimeouts:
		return grammar{allowed: dryRun}
	case restore:
		return grammar{allowed: setOf(optReplace, optJSON) | dryRun}
	case save:
		return grammar{allowed: setOf(optNumeric)}
	}
	return grammar{}
}

// check reports the first offence of the options against the grammar of a
// "command" or of a "tunnel type", called name.
func (g grammar) check(given optionSet, name, what string) error {
	in := func() string { return "the '" + name + "' " + what }
	first := noOption
	for o := option(0); o < numOptions; o++ {
		switch {
		case g.required.has(o):
			if !given.has(o) {
				return invalid("You need to supply the '" + o.String() + "' option for " + in())
			}
		case !given.has(o), g.allowed.has(o):
		case !g.oneOf.has(o):
			return invalid("Illegal '" + o.String() + "' option with " + in())
		case first != noOption:
			return invalid("The option '" + o.String() + "' conflicts with the '" + first.String() + "' option in " + in())
		default:
			first = o
		}
	}
	return nil
}

// checkService refuses what the kernel would take without a word.
func (d *draft) checkService() error {
	s := &d.service
	if s.FWMark != 0 {
		return nil
	}
	if s.Addr.Port() == 0 && s.Flags&ipvs.Persistent == 0 {
		return invalid("Zero port specified for non-persistent service")
	}
	if s.Flags&ipvs.OnePacket != 0 && s.Protocol != ipvs.UDP {
		return invalid("One-Packet Scheduling is only for UDP virtual services")
	}
	return nil
}

// checkServer refuses families and tunnel options that do not fit.
func (d *draft) checkServer() error {
	if d.server.Forward == ipvs.Tunnel {
		return d.checkTunnel()
	}
	if ipvs.FamilyOf(d.server.Addr.Addr()) != d.service.Family {
		return invalid("Different address family is allowed only for tunneling servers")
	}
	if d.given.meets(tunnelOptions()) {
		return invalid("Tunnel options conflict with forward method")
	}
	return nil
}

func tunnelOptions() optionSet {
	return setOf(optTunType, optTunPort, optTunNoCsum, optTunCsum, optTunRemCsum)
}

// checkTunnel judges the options of a tunnel as check does those of a command.
func (d *draft) checkTunnel() error {
	var g grammar
	var name string
	switch d.server.Tunnel.Type {
	case ipvs.IPIP:
		name = "ipip"
	case ipvs.GUE:
		name = "gue"
		g = grammar{required: setOf(optTunPort), oneOf: setOf(optTunNoCsum, optTunCsum, optTunRemCsum)}
	case ipvs.GRE:
		name = "gre"
		g = grammar{oneOf: setOf(optTunNoCsum, optTunCsum)}
	}
	g.allowed = setOf(optTunType)
	return g.check(d.given&tunnelOptions(), name, "tunnel type")
}

// checkList refuses forms of listings that exclude one another.
func (d *draft) checkList() error {
	notTable := setOf(optConnection, optTimeout, optDaemon)
	if d.given.meets(notTable) && d.given.meets(setOf(optStats, optRate, optThresholds)) ||
		d.given.meets(setOf(optTimeout, optDaemon)) && d.given.has(optPersistentConn) {
		return invalid("options conflicts in the list command")
	}
	return nil
}
