# edgeR's defaults (glmQLFit, glmQLFTest) on every NAME.counts.csv of a folder, beside which stands NAME.condition.csv: Rscript bench/edger.R FOLDER
# Writes NAME.edger.csv: gene, logFC, PValue, FDR; prints its version. edgeR 4 is used as its page says, without dispersions given. edgeR runs in a process of its own; nothing of it is in Morula.
suppressMessages(library(edgeR))
folder <- commandArgs(trailingOnly = TRUE)[1]
for (path in list.files(folder, "\\.counts\\.csv$", full.names = TRUE)) {
  counts <- as.matrix(read.csv(path, row.names = 1, check.names = FALSE))
  case <- scan(sub("\\.counts\\.csv$", ".condition.csv", path), quiet = TRUE)
  design <- model.matrix(~case)
  y <- DGEList(counts)
  y <- y[filterByExpr(y, design), , keep.lib.sizes = FALSE]
  y <- calcNormFactors(y)
  if (packageVersion("edgeR") < "4") y <- estimateDisp(y, design)
  found <- topTags(glmQLFTest(glmQLFit(y, design), coef = 2), n = Inf)$table
  write.csv(found[, c("logFC", "PValue", "FDR")], sub("\\.counts\\.csv$", ".edger.csv", path))
}
cat(as.character(packageVersion("edgeR")), "\n")
