package vrrp

import "fmt"

// syncWorker tells main which role the kernel's connection synchronisation has
// to play. The function may wait for the kernel, so it has its own goroutine.
type syncWorker struct {
	next chan syncOrder // the latest order, if it has not been taken yet
	done chan struct{}
	last syncOrder
}

type syncOrder struct {
	config SyncConfig
	role   SyncRole
}

func startSync(m *Manager) *syncWorker {
	w := &syncWorker{next: make(chan syncOrder, 1), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for o := range w.next {
			if err := m.options.Sync(o.config, o.role); err != nil {
				m.log.Error(fmt.Sprintf("connection synchronisation (%v): %v", o.role, err))
			}
		}
	}()
	return w
}

func (w *syncWorker) order(o syncOrder) {
	if o == w.last {
		return
	}
	w.last = o
	select {
	case <-w.next:
	default:
	}
	w.next <- o
}

// follow sets the role of the synchronisation when the instance that it follows
// changes its state.
func (m *Manager) follow(inst *instance, to State) {
	if c := m.config.Sync; c != nil && c.Instance == inst.config.Name && to != Initialize {
		m.setSync(to == Active)
	}
}

func (m *Manager) setSync(active bool) {
	c := m.config.Sync
	if m.options.Sync == nil || c == nil && m.sync == nil {
		return
	}
	if m.sync == nil {
		m.sync = startSync(m)
	}
	switch {
	case c == nil:
		m.sync.order(syncOrder{m.sync.last.config, SyncOff})
	case c.Instance == "":
		m.sync.order(syncOrder{*c, SyncBoth})
	case active:
		m.sync.order(syncOrder{*c, SyncActive})
	default:
		m.sync.order(syncOrder{*c, SyncBackup})
	}
}

// restartSync sets the role after a start or a reload.
func (m *Manager) restartSync() {
	active := false
	if c := m.config.Sync; c != nil {
		inst := m.instance(c.Instance)
		active = inst != nil && inst.machine.State() == Active
	}
	m.setSync(active)
}

// stopSync ends the synchronisation and waits for it.
func (m *Manager) stopSync() {
	if m.sync == nil {
		return
	}
	m.sync.order(syncOrder{m.sync.last.config, SyncOff})
	close(m.sync.next)
	<-m.sync.done
	m.sync = nil
}
