package keepalived

import (
	"context"

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
		FIFOs:          []vrrp.FIFOConfig{vrrp.FIFOConfig(g.FIFO), vrrp.FIFOConfig(g.VRRPFIFO)},
		Startup:        daemon.OnceCommand(g.Startup),
		Shutdown:       daemon.OnceCommand(g.Shutdown),
		NetNamespace:   g.NetNamespace,
		Servers:        len(config.Check.Servers),
	}
	for _, u := range config.Commands {
		setup.Commands = append(setup.Commands, daemon.CommandUse{
			Position: u.Position.String(), Word: u.Word, Command: *u.Command,
		})
	}
	return setup, messages
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
