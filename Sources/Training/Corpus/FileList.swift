import Foundation

/// The files that a source names: the files in its folders, and those of its list.
enum FileList {
    /// The paths of all files in the order in which they are read.
    ///
    /// - Throws: ``CorpusError``, if a folder or the list cannot be read or has no file.
    static func paths(of source: CorpusSource) throws -> [String] {
        let named = try source.paths + (source.list.map { try names(in: $0, folder: source.listFolder) } ?? [])
        var paths: [String] = []
        for path in named {
            if isFolder(path) {
                let count = paths.count
                try appendFiles(in: path, include: source.include, to: &paths)
                guard paths.count > count else {
                    throw CorpusError.emptyFolder(path, include: source.include ?? [])
                }
            } else {
                paths.append(path)
            }
        }
        return paths
    }

    /// The first file that two sources share, whatever its names are; nil if there is none.
    static func shared(_ first: CorpusSource, _ second: CorpusSource) throws -> String? {
        let files = Set(try paths(of: first).compactMap(identity))
        return try paths(of: second).first { identity($0).map(files.contains) ?? false }
    }

    /// The device and the number of a file; nil if there is none.
    private static func identity(_ path: String) -> [UInt]? {
        var information = stat()
        guard stat(FileName.cString(path), &information) == 0 else { return nil }
        return [UInt(information.st_dev), UInt(information.st_ino)]
    }

    // MARK: - Folders

    /// Appends the files in a folder and in the folders within, sorted by the bytes of their names.
    ///
    /// Hidden entries are skipped, and so is what is neither a file nor a folder. Links to files
    /// are followed, links to folders are not, since they could lead in a circle.
    private static func appendFiles(in folder: String, include: [String]?, to paths: inout [String]) throws {
        let names = try entries(of: folder)
        // The folder of a training or of a sweep: the text may be in the folder that holds `runs`.
        let marks = ["settings.json", "last.safetensors"].map { FileName.cString($0) }
        guard !marks.allSatisfy(names.contains), !names.contains(FileName.cString(RunFolder.sweepFileName)) else {
            return
        }
        for name in names {
            let path = (folder.hasSuffix("/") ? folder : folder + "/") + FileName.string(name)
            var information = stat()
            guard lstat(FileName.cString(path), &information) == 0 else { throw InputFile.failure(path) }
            let isLink = information.st_mode & S_IFMT == S_IFLNK
            if isLink { _ = stat(FileName.cString(path), &information) }
            switch information.st_mode & S_IFMT {
            case S_IFDIR where !isLink: try appendFiles(in: path, include: include, to: &paths)
            case S_IFREG where include?.contains { fnmatch(FileName.cString($0), name, 0) == 0 } ?? true:
                paths.append(path)
            default: break
            }
        }
    }

    /// The NUL-terminated names of a folder's entries that are not hidden, sorted.
    private static func entries(of folder: String) throws -> [[CChar]] {
        guard let stream = opendir(FileName.cString(folder)) else { throw InputFile.failure(folder) }
        defer { closedir(stream) }
        var names: [[CChar]] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 1) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
                }
            }
            if name.first != CChar(bitPattern: UInt8(ascii: ".")) { names.append(name) }
        }
        return names.sorted { strcmp($0, $1) < 0 }
    }

    private static func isFolder(_ path: String) -> Bool {
        var information = stat()
        return path != InputFile.standardInput && stat(FileName.cString(path), &information) == 0
            && information.st_mode & S_IFMT == S_IFDIR
    }

    // MARK: - Lists

    /// The names in a list: between NULs, if it has one, or else one a line.
    ///
    /// - Parameter folder: The folder that relative names start from; nil for the current one.
    private static func names(in list: String, folder: String?) throws -> [String] {
        var bytes: [UInt8] = []
        var tally = ByteTally()
        try InputFile.open(path: list).readChunks(tally: &tally) { chunk, _, _ in
            bytes += chunk
            return chunk.count
        }
        let start = folder ?? FileManager.default.currentDirectoryPath
        let isSeparatedByNUL = bytes.contains(0)
        let names = bytes.split(separator: isSeparatedByNUL ? 0 : UInt8(ascii: "\n")).map { name in
            let hasReturn = !isSeparatedByNUL && name.last == UInt8(ascii: "\r")
            return Array(hasReturn ? name.dropLast() : name).withUnsafeBytes { FileName.string($0) }
        }
        guard names.contains(where: { !$0.isEmpty }) else { throw CorpusError.emptyList(list) }
        return names.filter { !$0.isEmpty }.map { $0.hasPrefix("/") ? $0 : start + "/" + $0 }
    }
}
