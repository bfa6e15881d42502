package keepalived

import (
	"slices"
	"strings"
	"testing"
)

// Braces in the wrong place are explained by the blocks they belong to.
func TestBraces(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a block that another begins in",
			"vrrp_script s {\nscript /bin/x\nvrrp_instance V {\ninterface eth0\n}\n",
			[]string{"1: vrrp_script s, opened on line 1, is never closed: vrrp_instance V begins on line 3; write } before line 3"}},
		{"a list that a block begins in",
			"vrrp_instance V {\nvirtual_ipaddress {\n10.0.0.1\ntrack_script {\ns\n}\n}\n",
			[]string{"2: virtual_ipaddress, opened on line 2, is never closed: track_script begins on line 4; write } before line 4"}},
		{"a block that swallows words of the one around it",
			"virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\nTCP_CHECK {\nconnect_timeout 3\nweight 5\n}\n}\n",
			[]string{"5: weight is not a word of TCP_CHECK; it belongs into real_server",
				"3: TCP_CHECK, opened on line 3, is never closed: line 5 has weight, a word of real_server; write } before line 5"}},
		{"the end of the file",
			"vrrp_instance V {\ninterface eth0\n\n",
			[]string{"1: vrrp_instance V, opened on line 1, is never closed: the file ends on line 3; write } where it ends"}},
		{"a brace too many",
			"vrrp_script s {\nscript /bin/x\n}\n}\nvrrp_script t {\nscript /bin/x\n}\n",
			[]string{"4: this } closes nothing: vrrp_script s was closed on line 3; take one of them away"}},
		{"a brace that comes early",
			"vrrp_instance V {\ninterface eth0\n}\nvirtual_router_id 1\n}\n",
			[]string{"4: virtual_router_id is not a word of the top of the file; it belongs into vrrp_instance",
				"5: this } closes nothing: vrrp_instance V was closed on line 3; take one of them away"}},
		{"a brace without a word", "{\n}\n", []string{"1: this { opens nothing; write it behind the word whose block it begins"}},
		{"a block that is missing",
			"vrrp_instance V\ninterface eth0\n",
			[]string{"1: vrrp_instance has no block; write vrrp_instance … { before its contents and } behind them",
				"2: interface is not a word of the top of the file; it belongs into vrrp_instance, garp_group"}},
		{"a block where none belongs",
			"global_defs {\nrouter_id {\nx\n}\n}\n",
			[]string{"2: router_id takes no block; take the braces away"}},
		{"a line of a list with a block",
			"global_defs {\nnotification_email {\na@b {\n}\n}\n}\n",
			[]string{"3: a@b takes no block in notification_email; take the braces away"}},
		{"a block within a block that is not known",
			"global_defs {\nzzz {\nyyy {\nvrrp_version 3\n}\n}\n}\n",
			[]string{"2: zzz is not a word of global_defs and its block is passed over"}},
		{"a block that is not known and not closed",
			"zzz {\nvrrp_script s {\nscript /bin/x\n}\n",
			[]string{"1: zzz is not a word of the top of the file and its block is passed over",
				"1: zzz, opened on line 1, is never closed: vrrp_script s begins on line 2; write } before line 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ds := loadText(c.text)
			var got []string
			for _, d := range ds {
				got = append(got, strings.TrimPrefix(d.String(), "/f.conf:"))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if cfg != nil && ds.Worst() == Error {
				t.Error("an error gives a configuration")
			}
		})
	}
}

// A block can begin in one file and end in another; messages name both.
func TestBracesAcrossFiles(t *testing.T) {
	_, ds := Load(t.Context(), "a.conf", Options{FS: mapFS(map[string]string{"a.conf": "vrrp_script s {\nscript /bin/x\ninclude b.conf\n", "b.conf": "\nvrrp_script t {\nscript /bin/x\n}\n"})})
	want := "a.conf:1: vrrp_script s, opened on line 1, is never closed: vrrp_script t begins on b.conf:2; write } before b.conf:2"
	if len(ds) != 1 || ds[0].String() != want {
		t.Errorf("%v, want %s", ds, want)
	}
	c, ds := Load(t.Context(), "a.conf", Options{FS: mapFS(map[string]string{"a.conf": "vrrp_script s {\nscript /bin/x\ninclude b.conf\n", "b.conf": "}\n"})})
	if c == nil || len(c.VRRP.Scripts) != 1 {
		t.Errorf("%v", ds)
	}
}
