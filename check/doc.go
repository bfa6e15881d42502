// Package check will hold health checks of real servers. It imports only ipvs.
package check
