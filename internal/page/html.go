package page

import (
	"fmt"
	"html"
	"strings"
)

// markup is HTML that is printed as it is. Only constants of this package and what html writers have made are of this type.
type markup string

// writer collects HTML.
type writer struct{ strings.Builder }

// put is Fprintf for HTML: format is markup, and so are arguments of that type and numbers; everything else is printed
// as text, escaped for elements and for attributes in double quotes.
func (w *writer) put(format markup, args ...any) {
	for i, arg := range args {
		switch arg := arg.(type) {
		case markup, int, int64, uint64, float64:
		default:
			args[i] = html.EscapeString(fmt.Sprint(arg))
		}
	}
	fmt.Fprintf(w, string(format), args...)
}

// section puts a heading and what follows it.
func (w *writer) section(title string, body func()) {
	w.put("<section><h2>%s</h2>\n", title)
	body()
	w.put("</section>\n")
}

// table puts rows under headings. The first column names what the others tell of.
func (w *writer) table(headings []string, rows [][]string) {
	w.put("<div class=\"wide\"><table><thead><tr>")
	for _, h := range headings {
		w.put("<th scope=\"col\">%s</th>", h)
	}
	w.put("</tr></thead><tbody>\n")
	for _, row := range rows {
		w.put("<tr>")
		for i, cell := range row {
			if i == 0 {
				w.put("<th scope=\"row\">%s</th>", cell)
				continue
			}
			w.put("<td>%s</td>", cell)
		}
		w.put("</tr>\n")
	}
	w.put("</tbody></table></div>\n")
}
