// Package layout holds the arrows between Relay's packages: what may import what. It has no code, only the test.
package layout
