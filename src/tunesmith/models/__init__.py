"""Networks: tensors in, tensors out; a file per conf/model/*.yaml."""
