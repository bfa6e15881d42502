package uml

import "testing"

func TestRunPattern(t *testing.T) {
	for _, c := range []struct{ name, user, want string }{
		{"TestA", "", "^TestA$"},
		{"TestA", "TestA", "^TestA$"},
		{"TestA", "TestA/b/c", "^TestA$/b/c"},
		{"TestA/b", "TestA/b/^c$", "^TestA$/^b$/^c$"},
		{"TestA/b.c[1]", "TestA", `^TestA$/^b\.c\[1\]$`},
		{"TestA", "TestA/x|TestB/y", "^TestA$"}, // the replay selects
	} {
		if got := runPattern(c.name, c.user); got != c.want {
			t.Errorf("runPattern(%q, %q) = %q, want %q", c.name, c.user, got, c.want)
		}
	}
}
