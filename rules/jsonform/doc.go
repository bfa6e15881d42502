// Package jsonform is the JSON of ipvsadm -L --json and -R --json: it writes
// what the kernel shows, and reads a table back.
//
// The names are the kernel's, of the attributes in include/uapi/linux/ip_vs.h
// (IPVS_SVC_ATTR_SCHED_NAME is sched_name) and of struct ip_vs_conn. The file
// schema.json, a JSON Schema, is the whole contract: types, ranges, units and
// which of the members are there when. Members come in one order, that of the
// schema; numbers are whole and may take all 64 bits; addresses are never names.
//
// A document has one of these forms:
//
//	{"version":…,"conn_tab_size":…,"services":[…]}   a table or one service
//	{"timeouts":{…}}                                 -L --timeout
//	{"daemons":[…]}                                  -L --daemon
//	{"protocol":…,"caddr":…,…}                       -L -c, a line for each connection
//
// Every service and every real server of a table has a line of its own, so that
// diff and grep are of use. Parse reads the first form; nothing is asked of its
// layout.
package jsonform
