// Package systemd tells a service manager how the process is, as sd_notify(3) describes it: READY=1 when it can be asked,
// STATUS= for every change of state, STOPPING=1, and WATCHDOG=1 while it is well.
//
// READY=1 does not wait for Postgres or Kafka: a relay that stands by or is refused is up, and is to be left alone. What
// it does is in STATUS= and /readyz.
//
// The protocol is one datagram of lines; a library for it would be larger than this package.
package systemd
