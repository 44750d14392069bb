package devstack

import (
	"fmt"
	"os"
	"syscall"
)

// nobody is the user that Postgres runs as when root starts it. It owns nothing but the data directories made here.
const nobody = 65534

// owner is the user that a server runs as and that owns what it writes.
type owner struct {
	id       int
	switches bool // not the user of this process
}

// serverUser is who runs Postgres: the current user, or another one when that is root, which Postgres refuses.
func serverUser() owner {
	if os.Geteuid() == 0 {
		return owner{id: nobody, switches: true}
	}
	return owner{id: os.Geteuid()}
}

// own gives path to the owner.
func (o owner) own(path string) error {
	if !o.switches {
		return nil
	}
	if err := os.Lchown(path, o.id, o.id); err != nil {
		return fmt.Errorf("give %s to the server's user: %w", path, err)
	}
	return nil
}

// attributes make a child process run as the owner, out of reach of signals that a terminal sends to our group.
func (o owner) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if o.switches {
		id := uint32(o.id)
		attr.Credential = &syscall.Credential{Uid: id, Gid: id}
	}
	return attr
}
