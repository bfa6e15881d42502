package rules

import (
	"net/netip"

	"ipvsadm/ipvs"
)

// command makes a change, or the Command for anything else, of a draft whose
// options fit its verb, and checks what they mean together.
func (d *draft) command() (op ipvs.Op, cmd Command, err error) {
	if !d.given.has(optDrain) {
		op, err = d.change()
	}
	if op == nil && err == nil {
		cmd, err = d.otherCommand()
	}
	if err == nil && d.given.has(optDryRun) {
		if op != nil {
			op, cmd = nil, Change{ipvs.ValueOf(op)}
		}
		cmd = DryRun{cmd}
	}
	return op, cmd, err
}

// change makes the change of a draft whose verb is one, else nil.
func (d *draft) change() (ipvs.Op, error) {
	switch d.verb {
	case addService, editService:
		return d.serviceChange()
	case addServer, editServer:
		return d.serverChange()
	case deleteService:
		return ipvs.DeleteService{Service: d.service.ServiceKey}, nil
	case deleteServer:
		return ipvs.DeleteDestination{Service: d.service.ServiceKey, Addr: d.server.Addr}, nil
	case flush:
		return ipvs.Flush{}, nil
	case zero:
		return ipvs.Zero{Service: d.zeroKey()}, nil
	case setTimeouts:
		return ipvs.SetTimeouts{Timeouts: d.timeouts}, nil
	case startDaemon:
		if d.daemon.Interface == "" {
			d.daemon.Interface = defaultInterface
		}
		return ipvs.StartDaemon{Daemon: d.daemon}, nil
	case stopDaemon:
		return ipvs.StopDaemon{State: d.daemon.State}, nil
	}
	return nil, nil
}

// otherCommand makes the Command of a draft that is not just a change.
func (d *draft) otherCommand() (Command, error) {
	if d.given.has(optDrain) {
		return Drain{
			Service:  d.service.ServiceKey,
			Addr:     d.server.Addr,
			Delete:   d.verb == deleteServer,
			Timeout:  d.drainTime,
			Inactive: d.given.has(optDrainInactive),
		}, nil
	}
	switch d.verb {
	case list:
		return d.listCommand()
	case save:
		return Save{Numeric: d.given.has(optNumeric)}, nil
	case restore:
		return Restore{Replace: d.replace, JSON: d.given.has(optJSON)}, nil
	}
	panic("rules: no command for " + d.verb.String())
}

func (d *draft) serviceChange() (ipvs.Op, error) {
	if err := d.checkService(); err != nil {
		return nil, err
	}
	if d.service.Scheduler == "" {
		d.service.Scheduler = defaultScheduler
	}
	if d.verb == editService {
		return ipvs.EditService{Service: d.service}, nil
	}
	d.newService.Service = d.service
	return &d.newService, nil
}

func (d *draft) serverChange() (ipvs.Op, error) {
	if err := d.checkServer(); err != nil {
		return nil, err
	}
	s := &d.server
	if d.service.FWMark == 0 && s.Forward != ipvs.Masq {
		// Without translation the server gets the packets as they are.
		s.Addr = netip.AddrPortFrom(s.Addr.Addr(), d.service.Addr.Port())
	}
	switch {
	case d.given.has(optTunCsum):
		s.Tunnel.Flags = ipvs.TunnelCsum
	case d.given.has(optTunRemCsum):
		s.Tunnel.Flags = ipvs.TunnelRemCsum
	}
	if d.verb == editServer {
		return ipvs.EditDestination{Service: d.service.ServiceKey, Destination: *s}, nil
	}
	d.newServer = ipvs.AddDestination{Service: d.service.ServiceKey, Destination: *s}
	return &d.newServer, nil
}

func (d *draft) listCommand() (Command, error) {
	if err := d.checkList(); err != nil {
		return nil, err
	}
	return List{
		Service:    d.service.ServiceKey,
		Format:     d.format(),
		Numeric:    d.given.has(optNumeric),
		Exact:      d.given.has(optExact),
		NoSort:     d.given.has(optNoSort),
		Persistent: d.given.has(optPersistentConn),
		JSON:       d.given.has(optJSON),
		Watch:      d.interval,
		Count:      int(d.count),
	}, nil
}

// format returns the form of the listing; where several are asked for, the
// first of these.
func (d *draft) format() Format {
	for _, f := range [...]struct {
		option option
		format Format
	}{
		{optConnection, ListConnections},
		{optTimeout, ListTimeouts},
		{optDaemon, ListDaemons},
		{optStats, ListStats},
		{optRate, ListRate},
		{optThresholds, ListThresholds},
		{optPersistentConn, ListPersistentConns},
		{optTunInfo, ListTunnels},
	} {
		if d.given.has(f.option) {
			return f.format
		}
	}
	return ListDefault
}

// zeroKey returns the service to zero; an all-zero address and port stand for
// all services.
func (d *draft) zeroKey() ipvs.ServiceKey {
	k := d.service.ServiceKey
	if k.Addr.Port() == 0 && k.Addr.Addr().IsUnspecified() {
		return ipvs.ServiceKey{}
	}
	return k
}
