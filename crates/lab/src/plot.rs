//! Curves over time as an SVG that needs nothing else.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 34.0;
const GAP: f64 = 54.0;
const COLOURS: [&str; 3] = ["#0b7a4b", "#b3541e", "#8a8f98"];

/// One diagram: curves that share their axes.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What is shown, with its unit.
    pub title: String,
    /// The top of the vertical axis, which begins at 0.
    pub most: f64,
    /// Names and points; the horizontal axis is in seconds. Values hold until the next point.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// Draws diagrams below one another that share a time axis of so many seconds.
pub fn draw(panels: &[Panel], seconds: f64) -> String {
    let total = TOP + panels.len() as f64 * (HEIGHT + GAP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {total}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#222\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        LEFT + WIDTH + 20.0
    );
    for (index, panel) in panels.iter().enumerate() {
        panel.draw(&mut svg, TOP + index as f64 * (HEIGHT + GAP), seconds);
    }
    svg + "</svg>\n"
}

impl Panel {
    fn draw(&self, svg: &mut String, top: f64, seconds: f64) {
        let x = |at: f64| LEFT + (at / seconds).clamp(0.0, 1.0) * WIDTH;
        let y = |value: f64| top + HEIGHT * (1.0 - (value / self.most).clamp(0.0, 1.0));
        let mut line = |text: String| writeln!(svg, "{text}").unwrap_or_default();
        line(format!(
            "<text x=\"{LEFT}\" y=\"{:.0}\" font-weight=\"600\">{}</text>",
            top - 12.0,
            self.title
        ));
        for part in 0..=4 {
            let value = self.most * f64::from(part) / 4.0;
            let at = y(value);
            line(format!(
                "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
                LEFT + WIDTH,
                LEFT - 8.0,
                at + 4.0
            ));
        }
        let mut at = 0.0;
        while at <= seconds {
            line(format!(
                "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{at:.0} s</text>",
                x(at),
                top + HEIGHT + 18.0
            ));
            at += 10.0;
        }
        for (index, (name, points)) in self.curves.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let mut path = String::new();
            for (number, (at, value)) in points.iter().enumerate() {
                let (x, y) = (x(*at), y(*value));
                let step = if number == 0 {
                    format!("M{x:.1} {y:.1}")
                } else {
                    format!("H{x:.1}V{y:.1}")
                };
                path += &step;
            }
            line(format!(
                "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
            ));
            let place = LEFT + WIDTH - 120.0 * (self.curves.len() - index) as f64;
            line(format!(
                "<text x=\"{place:.0}\" y=\"{:.0}\" fill=\"{colour}\">{name}</text>",
                top - 12.0
            ));
        }
    }
}
