package rules

import (
	"net/netip"

	"ipvsadm/ipvs"
)

// command makes the Command of a draft whose options fit its verb, and checks
// what they mean together.
func (d *draft) command() (Command, error) {
	cmd, err := d.realCommand()
	if err == nil && d.given.has(optDryRun) {
		cmd = DryRun{cmd}
	}
	return cmd, err
}

// realCommand is command without --dry-run.
func (d *draft) realCommand() (Command, error) {
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
	case addService, editService:
		return d.serviceCommand()
	case addServer, editServer:
		return d.serverCommand()
	case list:
		return d.listCommand()
	case deleteService:
		return Change{ipvs.DeleteService{Service: d.service.ServiceKey}}, nil
	case deleteServer:
		return Change{ipvs.DeleteDestination{Service: d.service.ServiceKey, Addr: d.server.Addr}}, nil
	case flush:
		return Change{ipvs.Flush{}}, nil
	case zero:
		return Change{ipvs.Zero{Service: d.zeroKey()}}, nil
	case setTimeouts:
		return Change{ipvs.SetTimeouts{Timeouts: d.timeouts}}, nil
	case startDaemon:
		if d.daemon.Interface == "" {
			d.daemon.Interface = defaultInterface
		}
		return Change{ipvs.StartDaemon{Daemon: d.daemon}}, nil
	case stopDaemon:
		return Change{ipvs.StopDaemon{State: d.daemon.State}}, nil
	case save:
		return Save{Numeric: d.given.has(optNumeric)}, nil
	case restore:
		return Restore{Replace: d.replace, JSON: d.given.has(optJSON)}, nil
	}
	panic("rules: no command for " + d.verb.String())
}

func (d *draft) serviceCommand() (Command, error) {
	if err := d.checkService(); err != nil {
		return nil, err
	}
	if d.service.Scheduler == "" {
		d.service.Scheduler = defaultScheduler
	}
	if d.verb == editService {
		return Change{ipvs.EditService{Service: d.service}}, nil
	}
	return Change{ipvs.AddService{Service: d.service}}, nil
}

func (d *draft) serverCommand() (Command, error) {
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
		return Change{ipvs.EditDestination{Service: d.service.ServiceKey, Destination: *s}}, nil
	}
	return Change{ipvs.AddDestination{Service: d.service.ServiceKey, Destination: *s}}, nil
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
