// Package probe checks real servers: it has all of keepalived's checkers.
package probe
