# edgeR's defaults (glmQLFit, glmQLFTest) on every NAME.counts.csv of a folder, beside which stands NAME.condition.csv: Rscript bench/edger.R FOLDER
# Writes NAME.edger.csv: gene, logFC, PValue, FDR. edgeR runs in a process of its own; nothing of it is in Morula.
suppressMessages(library(edgeR))
folder <- commandArgs(trailingOnly = TRUE)[1]
for (path in list.files(folder, "\\.counts\\.csv$", full.names = TRUE)) {
  counts <- as.matrix(read.csv(path, row.names = 1, check.names = FALSE))
  case <- scan(sub("\\.counts\\.csv$", ".condition.csv", path), quiet = TRUE)
  design <- model.matrix(~case)
  y <- DGEList(counts)
  y <- y[filterByExpr(y, design), , keep.lib.sizes = FALSE]
  y <- estimateDisp(calcNormFactors(y), design)
  found <- topTags(glmQLFTest(glmQLFit(y, design), coef = 2), n = Inf)$table
  write.csv(found[, c("logFC", "PValue", "FDR")], sub("\\.counts\\.csv$", ".edger.csv", path))
}
