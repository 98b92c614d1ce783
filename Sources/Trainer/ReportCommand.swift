import ArgumentParser
import Foundation
import Training

/// `trainer report`: shows trainings as a page.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show trainings as one HTML page.",
        discussion: """
            The page has the loss curves of all runs, and for each run how well its best model predicts the text held \
            out, beside n-gram models, zstd and xz, that text coloured by the model's surprise, samples, and the \
            settings. It needs no network and no other file. A training that has not ended can be shown too.
            """)

    @Argument(
        help: ArgumentHelp("The folders of trainings. (default: the newest in 'runs')", valueName: "run"),
        completion: .directory)
    var runs: [String] = []

    @Option(
        help: ArgumentHelp("The page to write.", valueName: "file"), completion: .file(extensions: ["html"]),
        transform: Arguments.text)
    var output = "report.html"

    @Option(
        help: ArgumentHelp(
            "A text in UTF-8 to predict, in place of the text held out, for instance when the training's text is no "
                + "longer there.", valueName: "file"),
        completion: .file())
    var text: String?

    /// The most characters that are shown one by one, of all runs together: they make up most of
    /// the page's size.
    private static let shownCount = 3000

    func run() throws {
        try refuseToOverwriteOthers()
        let folders = try runs.isEmpty ? [Runs.folder(nil)] : runs.map { try Runs.folder($0) }
        let names = ReportCommand.names(folders.map(\.path))
        let records = try zip(folders, names).map { folder, name in
            try RunRecord(folder, name: name, text: text, shownCount: ReportCommand.shownCount / folders.count)
        }
        let page = Array(Page(runs: records).html.markup.utf8)
        try AtomicFile.write(page, to: output)
        Terminal.note("\(output): \(Terminal.grouped(Double(page.count))) bytes; open it in a browser")
    }

    /// The last components of paths, or the paths if these are the same.
    static func names(_ paths: [String]) -> [String] {
        let names = paths.map { URL(fileURLWithPath: $0).lastPathComponent }
        return Set(names).count == names.count ? names : paths
    }

    /// A report may be replaced; a file of another kind, named by mistake, must not be.
    private func refuseToOverwriteOthers() throws {
        let expected = Array(Page.beginning.utf8)
        let beginning = try OldFile.beginning(output, count: expected.count)
        guard beginning.isEmpty || beginning == expected else {
            throw TrainingError.cannotWrite(
                path: output, reason: "it exists, and is not a report; choose another name with --output")
        }
    }
}
