// Package keepalived reads keepalived.conf, the whole language of keepalived 2.2
// and the words that came since, and makes plain configurations of packages vrrp
// and check of it.
//
//	config, messages := keepalived.Load(ctx, "/etc/keepalived/keepalived.conf",
//		keepalived.Options{ConfigID: keepalived.DefaultConfigID()})
//	for _, m := range messages {
//		fmt.Fprintln(os.Stderr, m) // FILE:LINE: what; what to write instead
//	}
//	if config == nil {
//		return // something is in doubt: nothing of it is to be run
//	}
//
// # What is run and what is not
//
// What keepalived runs with a warning we run with a warning: a word that is not
// known, a value out of range. What leaves the meaning in doubt is an error:
// braces that do not balance, an argument or a block that is missing, a
// duplicate, a virtual server that lost its real servers to a typing error. A
// file with an error gives no Config, so that it can change nothing, at the start
// and at a reload. testdata/accept.tsv has a thousand small examples with what
// keepalived says of each, and the reason wherever we say something else.
//
// # From text to values
//
//	reader   files, comments, definitions, conditions, repetitions, includes → lines, braces
//	parser   lines and braces → statements, each carried out by the table of its block
//	tables   one for each block: its words, their arguments, what they set (kw_*.go)
//	finish   what is inherited, names that refer to others, what cannot be together
//	Dump     the other way round, by the same tables
//
// # Limits
//
// Only regular files are read, and what they cost is bounded (files.go): a
// configuration can come from a template, and a template can go wrong.
//
// # Privileges
//
// None but to read the files.
package keepalived
