package keepalived

import (
	"context"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"

	"ipvsadm/check"
	"ipvsadm/vrrp"
)

// Options say where a configuration is read and for which machine.
type Options struct {
	// ConfigID is what lines with @ID are compared with, and ${_INSTANCE}. ""
	// stands for a machine without one: no line with @ID is read, and every line
	// with @^ID. DefaultConfigID is what keepalived uses without -i.
	ConfigID string
	// AllChecks makes every include that finds nothing an error, as keepalived's
	// -e does.
	AllChecks bool
	// FS is the tree that files are read from, names taken from its root; nil is
	// the machine's own.
	FS fs.FS
	// Env serves ${_ENV NAME}; nil is the process's environment.
	Env func(name string) (string, bool)
}

// DefaultConfigID returns the machine's name up to the first dot, "" if it has
// none.
func DefaultConfigID() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	id, _, _ := strings.Cut(name, ".")
	return id
}

// Load reads a configuration and everything it includes. It opens files and
// does nothing else: a Config can be made on any machine, without privileges.
//
// When the diagnostics have an Error, the Config is nil. Loading ends within
// about a second and takes memory in proportion to what is read, whatever the
// files contain; a context that ends makes it an Error.
func Load(ctx context.Context, name string, o Options) (*Config, Diagnostics) {
	l := newLoader(ctx, o)
	if o.FS == nil && !path.IsAbs(name) {
		if wd, err := os.Getwd(); err == nil {
			l.reader.files.base = wd
		}
	}
	l.reader.openMain(name, o)
	l.push(&frame{base: &l.top.base, vocabulary: l.words.root, run: enterRoot(l)}, Position{})
	l.parse()
	if !l.unsound {
		l.finish()
	}
	diagnostics := l.report.all()
	if l.report.failed {
		return nil, diagnostics
	}
	return l.config(), diagnostics
}

// loader is the state of one Load: what was read so far, in the order it was.
type loader struct {
	*parser
	words *language

	top         root
	global      globals
	groups      [2]netip.Addr // default multicast groups, IPv4 and IPv6
	vrrp        vrrp.Config   // what needs no second look
	check       check.Config
	instances   []*instance
	syncGroups  []*group
	scripts     []*script
	files       []*trackFile
	processes   []*process
	trackGroups []*trackGroup
	servers     []*server
	vsGroups    []*serverGroup
	tls         tls
	commands    []CommandUse
	syncPos     Position
	ipvsPos     Position // of net_namespace_ipvs
	syncID      bool
	freeRule    [2]uint32 // rules that were given a priority, IPv4 and IPv6

	realAt      map[netip.AddrPort]*real // of the virtual server being looked at
	byName      map[string]*instance
	groupByName map[string]*serverGroup
	lostGroups  map[string]bool
	fileByName  map[string]*trackFile
	debounced   map[string]int      // places in vrrp.Debounce
	defined     map[string]Position // "vrrp_instance NAME": where
	paced       map[string]bool
	names       *iprouteNames
	types       map[string]vrrp.RouteType
	metrics     map[string]vrrp.MetricKind
	// references are names to look up when everything was read.
	references []staticReference
}

// staticReference is a track_group that a static address, route or rule names.
type staticReference struct {
	name string
	pos  Position
}

func newLoader(ctx context.Context, o Options) *loader {
	rep := &report{}
	r := &reader{ctx: ctx, report: rep, id: o.ConfigID}
	r.files.fs = o.FS
	if o.FS == nil {
		r.files.fs = hostFS{}
	}
	r.glob = globber{files: &r.files, budget: maxGlob}
	r.defs = definitions{dir: r.workingDir, id: o.ConfigID, env: o.Env}
	if o.Env == nil {
		r.defs.env = os.LookupEnv
	}
	h := fnv.New64a()
	h.Write([]byte(o.ConfigID))
	r.seed(h.Sum64())
	l := &loader{
		parser:      &parser{reader: r, report: rep, room: make([]mention, 0, 64)},
		global:      newGlobals(),
		defined:     make(map[string]Position),
		realAt:      make(map[netip.AddrPort]*real),
		groupByName: make(map[string]*serverGroup),
		lostGroups:  make(map[string]bool),
		fileByName:  make(map[string]*trackFile),
		debounced:   make(map[string]int),
		paced:       make(map[string]bool),
		names:       &iprouteNames{files: &r.files},
		types:       routeTypes(),
		metrics:     metricKinds(),
	}
	l.words = l.language()
	l.lang = l.words
	return l
}

// seed starts the numbers of ${_RANDOM} anew.
func (r *reader) seed(n uint64) { r.defs.random = rand.New(rand.NewPCG(n, 0)) }

// openMain opens the file that was asked for.
func (r *reader) openMain(name string, o Options) {
	text, err := r.files.read(name)
	if err != nil {
		r.fail(KindFile, Position{File: name}, "cannot read the configuration: "+err.Error(), "")
		r.stopped = true
		return
	}
	f := &fileSource{path: name, text: r.withoutMark(text, name)}
	if o.AllChecks {
		f.checks = checkAll
	}
	r.push(source{file: f}, Position{File: name})
}

// enterRoot carries out the words at the top of a file.
func enterRoot(l *loader) func(int, *statement) *frame {
	return enter(&statement{parser: l.parser, info: &wordInfo{}}, l.words.root, &l.top, &base{}, nil).run
}

// define notes a named block, and refuses a second one of that name.
func (l *loader) define(s *statement, kind, name string) bool {
	if name == "" {
		s.fail(KindMissing, kind+" has an empty name", "write "+kind+" NAME {")
		return false
	}
	key := kind + " " + name
	if at, ok := l.defined[key]; ok {
		s.fail(KindDuplicate, abridge(key)+" is there already, on "+lineOf(at, s.pos), "give one of them another name, or take it out")
		return false
	}
	l.defined[key] = s.pos
	return true
}

// lost says that a block lacks what it cannot do without.
func (l *loader) lost(b *base, what string) {
	kind, severity := KindIncomplete, Warning
	if b.misread {
		severity = Error
	}
	l.report.add(Diagnostic{severity, kind, b.pos, b.title + " " + what + " and is left out", ""})
}

// config is what was read.
func (l *loader) config() *Config {
	c := &Config{Global: l.global.Global, VRRP: l.vrrp, Check: l.check, Commands: l.commands}
	c.VRRP.Instances = slices.Grow(c.VRRP.Instances, len(l.instances))
	for _, v := range l.instances {
		c.VRRP.Instances = append(c.VRRP.Instances, v.InstanceConfig)
	}
	for _, g := range l.syncGroups {
		c.VRRP.Groups = append(c.VRRP.Groups, g.GroupConfig)
	}
	for _, s := range l.scripts {
		c.VRRP.Scripts = append(c.VRRP.Scripts, s.ScriptConfig)
	}
	for _, f := range l.files {
		c.VRRP.Files = append(c.VRRP.Files, f.FileConfig)
		c.Check.Files = append(c.Check.Files, check.FileConfig{
			Name: f.Name, Path: f.Path, Init: f.Init, InitValue: f.InitValue, Overwrite: f.Overwrite,
		})
	}
	for _, p := range l.processes {
		c.VRRP.Processes = append(c.VRRP.Processes, p.ProcessConfig)
	}
	for _, g := range l.trackGroups {
		c.VRRP.StaticGroups = append(c.VRRP.StaticGroups, g.StaticGroupConfig)
	}
	for _, g := range l.vsGroups {
		c.Check.Groups = append(c.Check.Groups, g.GroupConfig)
	}
	c.Check.Servers = slices.Grow(c.Check.Servers, len(l.servers))
	for _, s := range l.servers {
		c.Check.Servers = append(c.Check.Servers, s.ServerConfig)
	}
	c.Check.TLS = l.tls.TLSConfig
	return c
}
