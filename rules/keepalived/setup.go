package keepalived

import (
	"context"

	"ipvsadm/check"
	"ipvsadm/vrrp"
	"ipvsadm/vrrp/daemon"
)

// LoadSetup reads a configuration for the command "ipvsadm vrrp".
func LoadSetup(ctx context.Context, file string, o daemon.LoadOptions) (*daemon.Setup, []daemon.Message) {
	id := o.ConfigID
	if id == "" {
		id = DefaultConfigID()
	}
	config, diagnostics := Load(ctx, file, Options{ConfigID: id, AllChecks: o.AllFiles})
	messages := make([]daemon.Message, len(diagnostics))
	for i, d := range diagnostics {
		messages[i] = daemon.Message{Severity: d.severity(), Text: d.String()}
	}
	if config == nil {
		return nil, messages
	}
	g := &config.Global
	setup := &daemon.Setup{
		VRRP:           config.VRRP,
		ScriptSecurity: g.ScriptSecurity,
		RouterID:       g.RouterID,
		Mail:           vrrp.MailConfig(g.Mail),
		FIFOs: []vrrp.FIFOConfig{
			fifo(g.FIFO, vrrp.AllEvents), fifo(g.VRRPFIFO, vrrp.RouterEvents), fifo(g.CheckFIFO, vrrp.ServerEvents),
		},
		Startup:      daemon.OnceCommand(g.Startup),
		Shutdown:     daemon.OnceCommand(g.Shutdown),
		NetNamespace: g.NetNamespace,
		Instance:     g.Instance,
		Process:      g.Process,
		Servers:      len(config.Check.Servers),
		Beside:       &config.Check,
	}
	setup.Files, setup.Addresses = wants(&config.Check)
	for _, u := range config.Commands {
		setup.Commands = append(setup.Commands, daemon.CommandUse{
			Position: u.Position.String(), Word: u.Word, Command: *u.Command,
		})
	}
	return setup, messages
}

func fifo(f FIFO, events vrrp.FIFOEvents) vrrp.FIFOConfig {
	return vrrp.FIFOConfig{Path: f.Path, User: f.User, Group: f.Group, Script: f.Script, Events: events}
}

// wants says which files the checkers look at, and whether some server is not
// checked without its address.
func wants(c *check.Config) (files []string, addresses bool) {
	seen := make(map[string]bool)
	for i := range c.Servers {
		s := &c.Servers[i]
		addresses = addresses || s.Suspend
		for j := range s.Reals {
			for _, k := range s.Reals[j].Checkers {
				if f, ok := k.Probe.(check.FileCheckConfig); ok && !seen[f.File] {
					seen[f.File] = true
					files = append(files, f.File)
				}
			}
		}
	}
	return files, addresses
}

// severity says what keepalived's test would make of the diagnostic: an argument
// that is missing has an exit status of its own.
func (d Diagnostic) severity() daemon.Severity {
	switch {
	case d.Severity == Error && d.Kind == KindMissing:
		return daemon.Missing
	case d.Severity == Error:
		return daemon.Error
	case d.Severity == Warning:
		return daemon.Warning
	}
	return daemon.Note
}
