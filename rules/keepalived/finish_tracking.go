package keepalived

import (
	"maps"
	"slices"
	"strings"

	"ipvsadm/vrrp"
)

// finishTracking looks up what instances and groups track.
func (l *loader) finishTracking() {
	scripts := make(map[string]vrrp.TrackedConfig)
	for _, s := range l.scripts {
		scripts[s.Name] = vrrp.TrackedConfig{Weight: s.Weight, Reverse: s.Reverse}
	}
	files := make(map[string]vrrp.TrackedConfig)
	for _, f := range l.files {
		files[f.Name] = vrrp.TrackedConfig{Weight: f.Weight, Reverse: f.Reverse}
	}
	processes := make(map[string]vrrp.TrackedConfig)
	for _, p := range l.processes {
		processes[p.Name] = vrrp.TrackedConfig{Weight: p.Weight, Reverse: p.Reverse}
	}
	lookUp := func(b *base, t *trackers, to *vrrp.TrackConfig) {
		to.Scripts = l.resolve(b, t.scripts.all, "vrrp_script", scripts)
		to.Files = l.resolve(b, t.files.all, "track_file", files)
		to.Processes = l.resolve(b, t.processes.all, "vrrp_track_process", processes)
		for _, d := range t.devices.all {
			to.Devices = append(to.Devices, d.TrackedConfig)
		}
	}
	for _, g := range l.syncGroups {
		lookUp(&g.base, &g.track, &g.Track)
		for _, name := range g.Instances {
			if l.findInstance(name).Priority == vrrp.PriorityOwner {
				l.unweigh(&g.base, &g.Track, name+" owns its addresses and has no other priority")
				break
			}
		}
	}
	for _, v := range l.instances {
		v.track.devices.all = slices.DeleteFunc(v.track.devices.all, func(t tracked) bool {
			own := t.Name == v.Device
			if own {
				l.warn(KindConflict, t.pos, v.title+": "+t.Name+" is ignored in track_interface: it is the instance's own and tracked anyway", "leave it out")
			}
			return own
		})
		lookUp(&v.base, &v.track, &v.Track)
		if v.Priority == vrrp.PriorityOwner {
			l.dropWeighted(v)
		}
	}
	for _, g := range l.syncGroups {
		if g.KeepWeights {
			continue
		}
		for _, name := range g.Instances {
			v := l.findInstance(name)
			l.unweigh(&v.base, &v.Track, "it is in "+g.title+", which has its own trackers")
		}
	}
}

// resolve turns the lines of a track_… block into what is tracked. A name that
// is not there is ignored, as keepalived does.
func (l *loader) resolve(b *base, list []tracked, block string, known map[string]vrrp.TrackedConfig) []vrrp.TrackedConfig {
	var out []vrrp.TrackedConfig
	for _, t := range list {
		def, ok := known[t.Name]
		if !ok {
			l.warn(KindReference, t.pos, b.title+": there is no "+block+" "+abridge(t.Name)+" to track, it is ignored",
				l.meantOr(t.Name, maps.Keys(known), "define "+block+" "+abridge(t.Name)))
			continue
		}
		one := t.TrackedConfig
		if !t.weighted {
			one.Weight = def.Weight
		}
		if !t.reversed {
			one.Reverse = def.Reverse
		}
		out = append(out, one)
	}
	return out
}

// trackLists are the lists of things whose weights change a priority.
func trackLists(t *vrrp.TrackConfig) []*[]vrrp.TrackedConfig {
	return []*[]vrrp.TrackedConfig{&t.Devices, &t.Scripts, &t.Files, &t.Processes, &t.Pools}
}

// unweigh makes weights 0.
func (l *loader) unweigh(b *base, t *vrrp.TrackConfig, why string) {
	var names []string
	for _, list := range trackLists(t) {
		for i := range *list {
			if one := &(*list)[i]; one.Weight != 0 {
				one.Weight = 0
				names = append(names, one.Name)
			}
		}
	}
	if names != nil {
		l.warn(KindConflict, b.pos, b.title+": the weight of "+abridge(strings.Join(names, ", "))+" is ignored: "+why, "leave it out, or write weight 0")
	}
}

// dropWeighted stops an owner of addresses from tracking what has a weight.
func (l *loader) dropWeighted(v *instance) {
	var names []string
	for _, list := range trackLists(&v.Track) {
		*list = slices.DeleteFunc(*list, func(t vrrp.TrackedConfig) bool {
			if t.Weight != 0 {
				names = append(names, t.Name)
			}
			return t.Weight != 0
		})
		if len(*list) == 0 {
			*list = nil
		}
	}
	if names != nil {
		l.warn(KindConflict, v.pos, v.title+": "+abridge(strings.Join(names, ", "))+" is not tracked: the priority of an owner of addresses does not change", "write weight 0, or another priority")
	}
}
