// Package status writes what package check knows of virtual servers: for people,
// and as JSON for programs.
//
//	s, err := manager.Status(ctx)
//	…
//	err = status.WriteText(os.Stdout, s)
package status
