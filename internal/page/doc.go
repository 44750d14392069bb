// Package page is the status page of a relay: one HTML document, made on the server, without JavaScript, without a
// request to anywhere else, and without a payload, key or header of any event. It only shows.
//
// It is written with a small writer of its own instead of html/template, which made the binary of 30 MB one of 35: package
// text/template calls methods by name, so the linker keeps every exported method of the program. What stands for the
// template's escaping is type markup: everything else that is printed is escaped.
//
// The picture that explains Relay is the ruler: slot flush <= checkpoint <= end of the WAL, to scale.
package page
