// Package compat holds what is known of ipvsadm 1.31 for tests: recorded
// sessions of the original (transcripts), ways to run either tool, and the list
// of differences we declare, each with a rule that says exactly what our tool
// must print where the original printed something else.
//
// Transcripts live in testdata/transcripts, whose README describes their form;
// the declared differences are differences.md beside them. Nothing here decides
// by itself that a difference is fine: what no rule accounts for is a failure.
package compat
