// Package wire sends the first packets of connections from any client to any
// address, for tests of what IPVS does with them. It needs root, and a route out
// that leads nowhere: see Dead.
package wire
