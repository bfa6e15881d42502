// Package checks puts two health checkers through the same cases: ours and
// keepalived's, in network namespaces that are twins, against servers that do
// what a script says.
//
// A Case is a virtual server with real servers, the blocks of their checkers as
// keepalived.conf has them, and what each server does: first, and after it has
// changed its ways. All cases are one configuration file, a virtual server each.
// What counts is the kernel's table when everything has settled, which a case
// also states, so that two wrong answers are not taken for a right one.
//
// It needs root, and a kernel with IPVS: see package uml.
package checks
