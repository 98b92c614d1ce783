import Core
import Foundation
import Training

/// The report as one HTML page that loads nothing and runs no script.
struct Page {
    let runs: [RunRecord]

    /// What every report begins with.
    static let beginning = "<!doctype html>\n<!-- A training report of chargen. -->\n"

    /// The most samples of a run that are shown.
    private static let sampleCount = 8
    /// The most characters of a sample that are shown.
    private static let sampleLength = 2000

    var html: HTML {
        let names = runs.map(\.name).joined(separator: ", ")
        let style = HTML(trusted: String(decoding: PackageResources.page_css, as: UTF8.self))
        return """
            \(HTML(trusted: Page.beginning))<html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(names): training report</title>
            <style>
            \(style)</style></head><body>
            <header><h1>Training report</h1><p>\(names)</p></header>
            <main>
            \(runs.count == 1 ? runs.map(tiles) : [])<section><h2>Loss</h2>
            \(LossCurves(runs: runs.map { ($0.name, $0.reports) }).html)</section>
            \(runs.map(details))<section><h2>Corpus and settings</h2>
            \(FactsTable(runs: runs).html)</section>
            </main><footer>chargen \(chargenVersion)</footer></body></html>

            """
    }

    /// The results and the texts of a run.
    private func details(_ run: RunRecord) -> HTML {
        let heading: HTML = runs.count == 1 ? "" : "<h2 class=\"run\">\(run.name)</h2>\n\(tiles(run))"
        let prediction: HTML =
            switch run.outcome {
            case .missing(let reason): "<section><h2>Prediction</h2><p>\(reason)</p></section>\n"
            case .measured(let measurement): self.prediction(measurement, parameters: run.parameterCount)
            }
        return "\(heading)\(prediction)\(run.labels.map(\.html))\(samples(run))"
    }

    // MARK: - Figures

    private func tiles(_ run: RunRecord) -> HTML {
        var tiles: [(value: String, unit: String, name: String)] = []
        if let loss = run.reports.compactMap(\.validationLoss).min() {
            tiles.append((String(format: "%.3f", loss), "nats", "best validation loss"))
        }
        if case .measured(let measurement) = run.outcome {
            let name = measurement.origin == .heldOut ? "a held-out character" : "a character of the text"
            tiles.append((String(format: "%.3f", measurement.prediction.bits), "bits", name))
        }
        tiles.append((Terminal.grouped(Double(run.parameterCount)), "", "parameters"))
        if let last = run.reports.last {
            tiles.append((Terminal.clock(last.seconds), "", "training time"))
            tiles.append((Terminal.grouped(last.charactersPerSecond), "", "characters a second"))
        }
        let items = tiles.map { tile -> HTML in
            "<div><dt>\(tile.name)</dt><dd>\(tile.value) <small>\(tile.unit)</small></dd></div>"
        }
        return "<dl class=\"tiles\">\(items)</dl>\n"
    }

    // MARK: - Prediction

    private func prediction(_ measurement: RunRecord.Measurement, parameters: Int) -> HTML {
        let text = measurement.origin.rawValue
        let shown = measurement.prediction.beginning.reduce(0) { $0 + $1.surprises.count }
        return """
            <section><h2>Beside other models and compressors</h2>
            \(measurement.comparison.html)<p class="note">\(explanation(measurement, text: text, parameters: parameters))</p>
            </section><section><h2>What surprised the model</h2>
            <p>The first \(counted(shown, "character")) of the \(text), coloured by surprise: −log₂ of \
            the probability that the model gave to the character after it had read those before. Point at a character \
            to see what else the model expected.\(measurement.vocabulary.hasEndOfDocument ? endOfDocument : "")\
            \(measurement.vocabulary.hasUnknown ? unknown : "")</p>
            \(SurpriseText(passages: measurement.prediction.beginning, vocabulary: measurement.vocabulary).html)\
            </section>

            """
    }

    private var endOfDocument: HTML { " ∎ is the end of a document." }
    private var unknown: HTML { " \u{FFFD} is a character that the model does not know." }

    private func explanation(_ measurement: RunRecord.Measurement, text: String, parameters: Int) -> String {
        let passages = measurement.text.heldOut.count
        var sentences = [
            """
            Measured on \(counted(measurement.prediction.count, "character")) of the \(text), in \
            \(counted(passages, "passage")) read from the start state.
            """
        ]
        if let training = measurement.text.training {
            let count = training.reduce(0) { $0 + $1.symbols.count }
            sentences.append(
                """
                The n-gram models, interpolated after Witten and Bell, know \(Terminal.grouped(Double(count))) \
                characters of the training text. A compressor's size after the training text is what this text adds to \
                the compressed training text; alone, the compressor has nothing to learn from.
                """)
        } else {
            sentences.append(
                "The compressors read this text alone: the training text, which n-gram models would need, is missing.")
        }
        sentences.append("The \(Terminal.grouped(Double(parameters))) parameters of the model are not counted.")
        return sentences.joined(separator: " ")
    }

    // MARK: - Samples

    private func samples(_ run: RunRecord) -> HTML {
        guard !run.samples.isEmpty else { return "" }
        let items = Page.chosen(run.samples).map { sample -> HTML in
            let report = run.reports.last { $0.update <= sample.update }
            let epoch = report.map { ", epoch \($0.epoch), training loss \(String(format: "%.3f", $0.trainingLoss))" }
            let text = sample.text.unicodeScalars
            let shown = String(text.prefix(Page.sampleLength)) + (text.count > Page.sampleLength ? "…" : "")
            return """
                <li><h3>Update \(Terminal.grouped(Double(sample.update)))\(epoch ?? "")</h3>\
                <p class="text" dir="auto">\(shown)</p></li>

                """
        }
        return "<section><h2>Samples</h2><ol class=\"samples\">\n\(items)</ol></section>\n"
    }

    /// Some of the samples, more of the early ones, which differ more: the first and the last among
    /// them.
    static func chosen(_ samples: [Sample]) -> [Sample] {
        guard samples.count > sampleCount else { return samples }
        let last = Double(sampleCount - 1)
        let places = (0..<sampleCount).map { place in
            max(place, Int((pow(Double(place) / last, 2) * Double(samples.count - 1)).rounded()))
        }
        return places.map { samples[$0] }
    }
}
