// Places for made-up genes: the human chromosomes' lengths, arms and shares of the genes; which gene lies where is invented.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace morula::analysis {

struct GenePlaces {
    std::vector<std::string> chromosome;  // "chr1" ... "chrX", "chrY", "chrM"
    std::vector<std::string> arm;         // "1p", "13q", ...; empty on chrM
    std::vector<std::int64_t> start;      // bases from the chromosome's begin, increasing along it
    std::vector<std::int64_t> end;
};

/// An arm that holds genes, with where it lies.
struct ChromosomeArm {
    std::string name;        // "1p"
    std::string chromosome;  // "chr1"
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::vector<std::int64_t> genes;  // in the order of their places
};

/// n_genes of which the last n_mitochondrial lie on chrM. Neighbours on a chromosome are no neighbours in the table, as in real files.
/// Each chromosome holds its human share of the genes (protein-coding genes of GRCh38, rounded), Y at least 6 where there are 400 or more.
GenePlaces place_genes(std::int64_t n_genes, std::int64_t n_mitochondrial, std::uint64_t seed);
/// The arms of the autosomes that hold at least min_genes genes, in the order of the genome.
std::vector<ChromosomeArm> autosome_arms(const GenePlaces& places, std::size_t min_genes);
/// Genes of a chromosome in the order of their places.
std::vector<std::int64_t> genes_on(const GenePlaces& places, std::string_view chromosome);

}  // namespace morula::analysis
