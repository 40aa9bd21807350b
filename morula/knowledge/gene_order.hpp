// Where genes lie on the chromosomes: a table, a BED file, inferCNV's list or a GTF that the user brings, and the arms of the chromosomes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::knowledge {

struct GenePlace {
    std::string symbol;      // equal to id where the file has one column of names
    std::string id;
    std::string chromosome;  // "1", "X", "MT": without "chr"
    std::int64_t start = 0;  // bases, as the file counts them
    std::int64_t end = 0;    // >= start
    std::string arm;         // "1p", "13q"; empty where it is not known
};

struct GeneOrder {
    std::string name;  // of the file
    std::vector<GenePlace> genes;
};

/// "chr1", "Chr1" and "1" are "1"; "chrM" and "M" are "MT".
std::string chromosome_name(std::string_view text);
/// Sorts 2 before 10, numbers before names.
bool chromosome_before(std::string_view a, std::string_view b);
/// "1p" of chromosome "1" and "p", "1p", "p36.33" or "chr1p36.33"; empty for anything else.
std::string arm_name(std::string_view chromosome, std::string_view text);

/// Reads, told by content, plain, gzip or zstd:
/// - a table (CSV, TSV) with a header: gene, symbol, gene_name or gene_symbols, and/or id, gene_id or gene_ids; chromosome, chrom, chr or seqname; start; end; optional arm, band or cytoband;
/// - without a header: gene, chromosome, start, end (as inferCNV takes it), or chromosome, start, end, gene (BED);
/// - GTF: its lines of feature "gene".
/// Throws not_found, or invalid_data with file, line and column.
GeneOrder read_gene_order(const std::filesystem::path& path, Context& context);
/// Whether the first line that is no comment is one of a GTF.
bool is_gtf_file(const std::filesystem::path& path);

/// Where the short arm ends, by chromosome name.
using ShortArmEnds = std::map<std::string, std::int64_t, std::less<>>;

/// Reads arms or cytobands: columns chromosome, start, end and arm, band or name (with a header or, as UCSC's cytoBand, without). Only the border counts: the end of the last
/// p band, or the start of the first q band where there is no p. Throws not_found, or invalid_data with file, line and column.
ShortArmEnds read_short_arm_ends(const std::filesystem::path& path, Context& context);

/// Names the arm of each gene by the middle of the gene; genes of chromosomes without a border keep the arm they have.
void set_arms(GeneOrder& order, const ShortArmEnds& ends);

/// Genes whose counts do not follow copy number: immunoglobulin and T-cell receptor segments, which cells rearrange and plasma cells flood, and the MHC, which inflammation switches as a block.
enum class MaskedLocus { none, immunoglobulin, t_cell_receptor, mhc };
/// By symbol, human (HLA-A, IGHV1-2, TRBC1) or mouse (H2-K1, Ighm, Trbc1).
MaskedLocus masked_locus(std::string_view symbol);

}  // namespace morula::knowledge
