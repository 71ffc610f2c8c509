/// Chooses the format of an answer (RFC 9110, 12.5.1).
package struct Negotiation: Sendable {
    /// One format there is.
    package struct Offer: Hashable, Sendable {
        /// What `?format=` calls it.
        package var name: String
        /// The types it is given for, in lower case; the first is the one that is sent.
        package var mediaTypes: [String]

        package init(name: String, mediaTypes: [String]) {
            self.name = name
            self.mediaTypes = mediaTypes
        }
    }

    /// How many elements of Accept are looked at: browsers send about five, and the work grows with them.
    private static let limit = 100

    /// How well an offer fits, and by which of the client's ranges.
    private struct Fit {
        var quality: Int
        var specificity: MediaRange.Specificity
        /// The range's place in the client's list.
        var place: Int

        func isBetter(than other: Fit) -> Bool {
            (self.quality, self.specificity, other.place) > (other.quality, other.specificity, self.place)
        }
    }

    /// Answers the index of the offer to serve.
    ///
    /// `format` wins over `accept`, the values of all Accept headers in order. Throws a 400 for a format there is not, and a
    /// 406 with the media types there are when none of them is acceptable.
    package static func choose(accept: [String], format: String?, offers: [Offer]) throws(Problem) -> Int {
        if let format, !format.isEmpty {
            guard let named = offers.firstIndex(where: { $0.name == format }) else {
                let names = offers.map(\.name).joined(separator: ", ")
                throw Problem(400, "The parameter format must be one of: \(names).", parameter: "format")
            }
            return named
        }
        let ranges = self.ranges(accept)
        if ranges.isEmpty, !offers.isEmpty {
            return 0
        }
        var best: (index: Int, fit: Fit)?
        for (index, offer) in offers.enumerated() {
            guard let fit = self.fit(offer, ranges), fit.quality > 0 else { continue }
            if best.map({ fit.isBetter(than: $0.fit) }) ?? true {
                best = (index, fit)
            }
        }
        guard let best else {
            var problem = Problem(406, "No media type that Accept asks for can be served.", parameter: "Accept")
            problem.candidates = offers.flatMap(\.mediaTypes)
            throw problem
        }
        return best.index
    }

    /// Reads the elements that follow the grammar; the others are as if they had not been sent.
    private static func ranges(_ accept: [String]) -> [MediaRange] {
        var ranges: [MediaRange] = []
        var seen = 0
        for line in accept {
            var elements = HeaderSplitter(line.utf8, separator: UInt8(ascii: ","))
            while seen < self.limit, let element = elements.next() {
                seen += 1
                if let range = MediaRange(element) {
                    ranges.append(range)
                }
            }
        }
        return ranges
    }

    /// Finds the media type by which an offer fits best.
    private static func fit(_ offer: Offer, _ ranges: [MediaRange]) -> Fit? {
        guard let sent = offer.mediaTypes.first else { return nil }
        let own = self.fit(sent, ranges)
        var best = own
        for alias in offer.mediaTypes.dropFirst() {
            guard let fit = self.fit(alias, ranges) else { continue }
            // A wildcard must not let in, under another name, a type about which the client has said something closer.
            if fit.specificity != .exact, let own, own.specificity > fit.specificity { continue }
            if best.map({ fit.isBetter(than: $0) }) ?? true {
                best = fit
            }
        }
        return best
    }

    /// Finds what the client says about one type: the closest range decides, the better one of two equally close.
    private static func fit(_ mediaType: String, _ ranges: [MediaRange]) -> Fit? {
        var best: Fit?
        for (place, range) in ranges.enumerated() where range.contains(mediaType) {
            let fit = Fit(quality: range.quality, specificity: range.specificity, place: place)
            guard let closest = best else {
                best = fit
                continue
            }
            if (fit.specificity, fit.quality) > (closest.specificity, closest.quality) {
                best = fit
            }
        }
        return best
    }
}
